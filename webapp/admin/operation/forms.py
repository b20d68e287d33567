"""Choosing an operating point."""

from flask_wtf import FlaskForm
from wtforms import FloatField, RadioField
from wtforms.validators import InputRequired, NumberRange, Optional

from webapp.core.choices import choices
from webapp.models import ModelVersion


class PrevalenceForm(FlaskForm):
    """Part of the address: it changes only what is shown."""

    class Meta:
        csrf = False

    prevalence = FloatField(
        "Percentage of your cases that are BCC",
        validators=[Optional(), NumberRange(0, 100, message="Enter a number from 0 to 100.")],
    )


class OperatingPointForm(FlaskForm):
    target_sensitivity = RadioField("Operating point", validators=[InputRequired("Choose an operating point.")])

    def offer(self, version: ModelVersion) -> None:
        self.target_sensitivity.choices = choices(
            (str(p.target_sensitivity), f"{p.target_sensitivity * 100:g} % target sensitivity")
            for p in version.operating_points
        )
