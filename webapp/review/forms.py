"""The dermatologist's forms."""

from collections.abc import Sequence
from math import nan
from typing import Any, ClassVar

from flask_wtf import FlaskForm
from wtforms import BooleanField, FloatField, HiddenField, RadioField, SelectField, TextAreaField
from wtforms.form import BaseForm
from wtforms.validators import DataRequired, InputRequired, Length, Optional, ValidationError

from ml.patterns import Pattern
from webapp.core.choices import choices, choices_of
from webapp.models import Diagnosis, Management, PatternAnswer, Review, User
from webapp.review import marks, queries
from webapp.review.marks import MarksError
from webapp.review.service import Decision
from webapp.triage.risk import Shown

PATTERN_PREFIX = "pattern_"


def stripped(text: str | None) -> str:
    return (text or "").strip()


def _in_words(choices: Sequence[RadioField], typed: Sequence[TextAreaField]) -> list[tuple[str, str]]:
    texts = {choice.value: choice.label for field in choices for choice in field.iter_choices()}
    answers = [(field.label.text, texts.get(field.data, "")) for field in choices]
    answers += [(field.label.text, field.data) for field in typed]
    return [(label, text) for label, text in answers if text]


class MarksField(HiddenField):
    """Marks for the GP, which the viewer's script writes; their errors lead to the list of them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        limits = {"data-most": marks.MOST, "data-longest": marks.LONGEST}
        super().__init__(*args, render_kw=limits, **kwargs)

    def pre_validate(self, form: BaseForm) -> None:
        try:
            marks.check(marks.read(self.data or ""))
        except MarksError as error:
            raise ValidationError(str(error)) from error


class DecisionForm(FlaskForm):
    """Diagnosis, the management options on offer, texts, and an optional question per pattern (added below)."""

    shown = HiddenField(validators=[Optional()])

    diagnosis_keys: ClassVar = dict(zip(Diagnosis, "12345", strict=True))
    management_keys: ClassVar = dict(zip(Management, "ubcsr", strict=True))
    """One key per choice; for management: urgent, biopsy, clinic, safety-netting, retake. Never ``n``, which takes the
    next case: pressed twice, it would reassure.
    """

    diagnosis = RadioField(
        "Your diagnosis",
        choices=choices_of(Diagnosis),
        validators=[InputRequired("Choose a diagnosis.")],
    )
    management = RadioField(
        "Management",
        validators=[InputRequired("Choose a management option.")],
    )
    advice = TextAreaField(
        "Advice to the GP",
        description="The GP sees this with your decision.",
        validators=[Length(max=4000, message="Please keep the advice under 4,000 characters.")],
        filters=[stripped],
    )
    override_reason = TextAreaField(
        "Reason for no appointment",
        description="Required for “no appointment” whenever there is a reason for concern. You are told which.",
        validators=[Length(max=2000, message="Please keep the reason under 2,000 characters.")],
        filters=[stripped],
    )

    model_wrong = BooleanField("The model was wrong")
    opinion_read = BooleanField("I have read the second opinion")
    marks = MarksField("Marks for the GP")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [option.management for option in queries.management_options() if option.active]
        self.management.choices = choices((management.value, management.label) for management in offered)

    @property
    def filled_in(self) -> list[tuple[str, str]]:
        """(question, answer) of everything chosen or typed, in words."""
        return _in_words(self.choices, self.words)

    @property
    def words(self) -> list[TextAreaField]:
        return [self.advice, self.override_reason]

    @property
    def what_was_shown(self) -> Shown:
        """What was on the page with the form; nothing if the form doesn't say."""
        return Shown.parse(self.shown.data or "")

    @property
    def decision(self) -> Decision:
        """What was filled in. Call only on a valid form."""
        return Decision(
            diagnosis=Diagnosis(self.diagnosis.data),
            management=Management(self.management.data),
            advice=self.advice.data,
            override_reason=self.override_reason.data,
            assessments=self.assessments,
            model_wrong=self.model_wrong.data,
            opinion_read=self.opinion_read.data,
            marks=marks.read(self.marks.data or ""),
        )

    @classmethod
    def filled_from(cls, review: Review) -> "DecisionForm":
        """The form filled in with an earlier decision."""
        answers = {f"{PATTERN_PREFIX}{item.pattern.value}": item.answer.value for item in review.assessments}
        return cls(
            diagnosis=review.diagnosis.value,
            management=review.management.value,
            advice=review.advice,
            override_reason=review.override_reason,
            model_wrong=review.model_wrong,
            marks=marks.as_json(review.marks),
            **answers,
        )

    @property
    def choices(self) -> list[RadioField]:
        return [self.diagnosis, self.management, *self.patterns]

    @property
    def patterns(self) -> list[RadioField]:
        return [self[f"{PATTERN_PREFIX}{pattern.value}"] for pattern in Pattern]

    @property
    def assessed(self) -> bool:
        """Whether any pattern was answered, however."""
        return any(field.data for field in self.patterns)

    @property
    def assessments(self) -> dict[Pattern, PatternAnswer]:
        """The patterns that were answered. Call only on a valid form."""
        answers = {pattern: self[f"{PATTERN_PREFIX}{pattern.value}"].data for pattern in Pattern}
        return {pattern: PatternAnswer(answer) for pattern, answer in answers.items() if answer}


class ImpressionForm(FlaskForm):
    """The reader's impression before the model's result is shown."""

    diagnosis_keys: ClassVar = DecisionForm.diagnosis_keys
    management_keys: ClassVar = DecisionForm.management_keys

    diagnosis = RadioField(
        "Your diagnosis", choices=choices_of(Diagnosis), validators=[InputRequired("Choose a diagnosis.")]
    )
    management = RadioField(
        "Management you would choose",
        choices=choices_of(Management),
        validators=[InputRequired("Choose a management option.")],
    )

    @property
    def filled_in(self) -> list[tuple[str, str]]:
        """(question, answer) of everything chosen or typed, in words."""
        return _in_words([self.diagnosis, self.management], [])


class OpinionForm(ImpressionForm):
    """A colleague's second opinion."""

    remark = TextAreaField(
        "Comment for your colleague",
        validators=[Length(max=2000, message="Please keep the comment under 2,000 characters.")],
        filters=[stripped],
    )

    @property
    def filled_in(self) -> list[tuple[str, str]]:
        """(question, answer) of everything chosen or typed, in words."""
        return _in_words([self.diagnosis, self.management], [self.remark])


class OpinionRequestForm(FlaskForm):
    """The colleague and the question."""

    colleague = SelectField("Colleague", coerce=int, validators=[InputRequired("Choose a colleague.")])
    question = TextAreaField(
        "Your question",
        description="Leave out your own diagnosis, so that your colleague's opinion is independent.",
        validators=[Length(max=2000, message="Please keep the question under 2,000 characters.")],
        filters=[stripped],
    )

    def offer(self, colleagues: Sequence[User]) -> None:
        self.colleague.choices = choices([(str(user.id), user.name) for user in colleagues])


class ReadingModeForm(FlaskForm):
    blinded = BooleanField("Hide the model's result until I have recorded my own impression")


class ClaimForm(FlaskForm):
    """A button: claim the case, or release it."""


class TakeOverForm(FlaskForm):
    """Take over a case that a colleague has claimed; ``seen`` is the id of the claim that was shown."""

    seen = HiddenField(validators=[Optional()])
    reason = TextAreaField(
        "Reason for taking over",
        description="Your colleague will see this. For example: the patient is here now.",
        validators=[
            DataRequired("Enter a reason: your colleague may be in the middle of reviewing this case."),
            Length(max=500, message="Please keep the reason under 500 characters."),
        ],
        filters=[stripped],
    )


for _pattern in Pattern:
    _field = RadioField(_pattern.label, choices=choices_of(PatternAnswer), validators=[Optional()])
    setattr(DecisionForm, f"{PATTERN_PREFIX}{_pattern.value}", _field)


class AmendmentForm(DecisionForm):
    """A decision with the reason for the change; ``seen`` is the id of the decision that was shown."""

    seen = HiddenField(validators=[Optional()])
    amendment_reason = TextAreaField(
        "Reason for changing the decision",
        description="The GP will see this.",
        validators=[
            DataRequired("Enter a reason for the change. The GP will see it."),
            Length(max=2000, message="Please keep the reason under 2,000 characters."),
        ],
        filters=[stripped],
    )

    @property
    def words(self) -> list[TextAreaField]:
        return [*super().words, self.amendment_reason]


class LengthField(FloatField):
    """A number with a point or a comma; NaN for anything else."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            self.data = float(valuelist[0].strip().replace(",", "."))
        except (IndexError, ValueError):
            self.data = nan


class ScaleForm(FlaskForm):
    """A line drawn on an image: its length in pixels of the image, and in reality."""

    pixels = LengthField()
    mm = LengthField()


class UndoForm(FlaskForm):
    """A button: take back the decision with the id ``seen``."""

    seen = HiddenField(validators=[Optional()])
