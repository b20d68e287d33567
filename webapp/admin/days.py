"""Days that an administrator types, and the moments they stand for."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import DateField
from wtforms.validators import ValidationError


def this_century(_form: FlaskForm, field: DateField) -> None:
    """A validator; also refuses days that have no midnight in some zone."""
    if field.data and not 2000 <= field.data.year <= 2100:
        raise ValidationError("Enter a date from 2000 onwards.")


def midnight(day: date | None, zone: ZoneInfo, *, after: int = 0) -> datetime | None:
    """The first moment of the day that is ``after`` days later; None without a day."""
    return datetime.combine(day + timedelta(days=after), time(), zone) if day else None
