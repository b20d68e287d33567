"""The form for a histology result."""

from datetime import date, datetime

from flask_wtf import FlaskForm
from wtforms import DateField, RadioField, TextAreaField, ValidationError
from wtforms.validators import InputRequired, Length, Optional

from webapp.core.choices import choices_of
from webapp.core.config import current_settings
from webapp.models import HistologyResult

EARLIEST = date(2000, 1, 1)


class HistologyForm(FlaskForm):
    result = RadioField(
        "Histology result",
        choices=choices_of(HistologyResult),
        validators=[InputRequired("Choose a result.")],
    )
    reported_on = DateField("Date of the report", validators=[Optional()])
    remark = TextAreaField(
        "Comment",
        description="For example subtype, thickness or margins. Do not include names.",
        validators=[Length(max=2000, message="Please keep the comment under 2,000 characters.")],
        filters=[lambda text: (text or "").strip()],
    )

    def validate_reported_on(self, field: DateField) -> None:
        today = datetime.now(current_settings().timezone).date()
        if field.data is not None and not EARLIEST <= field.data <= today:
            raise ValidationError("Enter a date that is not in the future.")
