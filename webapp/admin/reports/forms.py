"""Which cases an export contains."""

from datetime import datetime
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import DateField, SelectField
from wtforms.validators import Optional, ValidationError

from webapp.accounts import queries
from webapp.admin.days import midnight, this_century
from webapp.core.choices import choices, optional_id


class ExportForm(FlaskForm):
    """Part of the address: it changes nothing."""

    class Meta:
        csrf = False

    first = DateField("Sent from", validators=[Optional(), this_century])
    last = DateField("Sent up to and including", validators=[Optional(), this_century])
    centre_id = SelectField("Centre", coerce=optional_id, validators=[Optional()])

    def offer_centres(self) -> None:
        known = [(str(centre.id), centre.name) for centre in queries.centres()]
        self.centre_id.choices = choices([("", "All centres"), *known])

    def validate_last(self, field: DateField) -> None:
        if field.data and self.first.data and field.data < self.first.data:
            raise ValidationError("The end date is before the start date.")

    def begin(self, zone: ZoneInfo) -> datetime | None:
        return midnight(self.first.data, zone)

    def end(self, zone: ZoneInfo) -> datetime | None:
        """The midnight after the last day."""
        return midnight(self.last.data, zone, after=1)
