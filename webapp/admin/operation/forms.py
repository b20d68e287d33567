"""Choosing an operating point, and switching the model off and on."""

from collections.abc import Iterable

from flask_wtf import FlaskForm
from wtforms import FloatField, RadioField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from webapp.admin.operation.thresholds import Offer
from webapp.core.choices import choices

LONGEST_REASON = 300


class PrevalenceForm(FlaskForm):
    """Part of the address: it changes only what is shown."""

    class Meta:
        csrf = False

    prevalence = FloatField(
        "Percentage of your cases that are BCC",
        validators=[Optional(), NumberRange(0, 100, message="Enter a number from 0 to 100.")],
    )


class SwitchForm(FlaskForm):
    """Why the model is switched off or on."""

    reason = TextAreaField(
        "Reason",
        description="Kept with your name and the time, on the Model page. No patient's data, please.",
        filters=[lambda text: (text or "").strip()],
        validators=[
            DataRequired("Enter a reason."),
            Length(max=LONGEST_REASON, message=f"Use at most {LONGEST_REASON} characters."),
        ],
    )


class OperatingPointForm(FlaskForm):
    target_sensitivity = RadioField("Operating point", validators=[InputRequired("Choose an operating point.")])

    def offer(self, offers: Iterable[Offer]) -> None:
        self.target_sensitivity.choices = choices(
            (str(offer.point.target_sensitivity), f"{offer.targets} target sensitivity") for offer in offers
        )
