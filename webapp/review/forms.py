"""The dermatologist's decision."""

from typing import Any

from flask_wtf import FlaskForm
from wtforms import RadioField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from ml.patterns import Pattern
from webapp.choices import choices, choices_of
from webapp.models import Diagnosis, PatternAnswer
from webapp.review import queries

PATTERN_PREFIX = "pattern_"


class DecisionForm(FlaskForm):
    """Diagnosis, management as the clinic offers it, words; and an optional question for each pattern (see below)."""

    diagnosis = RadioField(
        "Your diagnosis",
        choices=choices_of(Diagnosis),
        validators=[InputRequired("Please choose a diagnosis.")],
    )
    management = RadioField(
        "Management",
        validators=[InputRequired("Please choose what is to be done.")],
    )
    advice = TextAreaField(
        "Advice to the GP",
        description="The GP reads this together with your decision.",
        validators=[Length(max=4000, message="Please keep the advice under 4,000 characters.")],
    )
    override_reason = TextAreaField(
        "Reason for no appointment",
        description="Needed for “no appointment” with a cancer, or while the model sees a BCC or is still at work.",
        validators=[Length(max=2000, message="Please keep the reason under 2,000 characters.")],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [option.management for option in queries.management_options() if option.active]
        self.management.choices = choices((management.value, management.label) for management in offered)

    @property
    def patterns(self) -> list[RadioField]:
        return [self[f"{PATTERN_PREFIX}{pattern.value}"] for pattern in Pattern]

    @property
    def assessments(self) -> dict[Pattern, PatternAnswer]:
        """The patterns that were answered."""
        answers = {pattern: self[f"{PATTERN_PREFIX}{pattern.value}"].data for pattern in Pattern}
        return {pattern: PatternAnswer(answer) for pattern, answer in answers.items() if answer}


class ClaimForm(FlaskForm):
    """A button: open the case for reading, or hand it back."""


for _pattern in Pattern:
    _field = RadioField(_pattern.label, choices=choices_of(PatternAnswer), validators=[Optional()])
    setattr(DecisionForm, f"{PATTERN_PREFIX}{_pattern.value}", _field)
