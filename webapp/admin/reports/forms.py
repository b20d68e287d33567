"""Which cases an export holds."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import DateField, SelectField
from wtforms.validators import Optional, ValidationError

from webapp.accounts import queries
from webapp.choices import choices


def _optional_id(value: str | int | None) -> int | None:
    return int(value) if value is not None and str(value).isdecimal() else None


def _plausible(_form: FlaskForm, field: DateField) -> None:
    if field.data and not 2000 <= field.data.year <= 2200:
        raise ValidationError("Please give a day of this century.")


class ExportForm(FlaskForm):
    """Travels in the address: it changes nothing."""

    class Meta:
        csrf = False

    first = DateField("Sent from", validators=[Optional(), _plausible])
    last = DateField("Sent until", description="This day included.", validators=[Optional(), _plausible])
    centre_id = SelectField("Centre", coerce=_optional_id, validators=[Optional()])

    def offer_centres(self) -> None:
        known = [(str(centre.id), centre.name) for centre in queries.centres()]
        self.centre_id.choices = choices([("", "All centres"), *known])

    def validate_last(self, field: DateField) -> None:
        if field.data and self.first.data and field.data < self.first.data:
            raise ValidationError("The last day is before the first.")

    def begin(self, zone: ZoneInfo) -> datetime | None:
        return datetime.combine(self.first.data, time(), zone) if self.first.data else None

    def end(self, zone: ZoneInfo) -> datetime | None:
        """The midnight after the last day."""
        return datetime.combine(self.last.data + timedelta(days=1), time(), zone) if self.last.data else None
