"""Choosing an operating point."""

from collections.abc import Iterable

from flask_wtf import FlaskForm
from wtforms import FloatField, RadioField
from wtforms.validators import InputRequired, NumberRange, Optional

from webapp.admin.operation.thresholds import Offer
from webapp.core.choices import choices


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

    def offer(self, offers: Iterable[Offer]) -> None:
        self.target_sensitivity.choices = choices(
            (str(offer.point.target_sensitivity), f"{offer.targets} target sensitivity") for offer in offers
        )
