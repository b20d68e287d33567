"""The GP's forms, labelled in the words a GP would use."""

import re
from datetime import UTC, datetime
from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import MultipleFileField
from wtforms import (
    BooleanField,
    FloatField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import UUID, DataRequired, InputRequired, Length, Optional, StopValidation
from wtforms.widgets import TextInput

from webapp.cases.identifiers import identifiers_in
from webapp.core.choices import choices, choices_of
from webapp.models import BodySite, Sex, Side, Surface, Urgency

REFERENCE = re.compile(r"(?=.*[0-9])[A-Za-z0-9][A-Za-z0-9._/-]{2,39}")  # a code contains a digit, a name does not
LONGEST_LIFE = 120
SMALLEST, LARGEST = 0.5, 300
SIZE = "Enter the largest diameter in millimetres, from 0.5 to 300: for example 6 or 4.5."


def _optional_int(value: Any) -> int | None:
    return int(value) if value not in (None, "") else None


class ImagesForm(FlaskForm):
    """New images for a case whose dermatologist asked for them."""

    images = MultipleFileField("Dermoscopic images")
    send_anyway = StringField(
        "Reason for sending this image anyway",
        description="For example: ulcerated, a sharper image is not possible. The dermatologist will see this.",
        validators=[Length(max=300, message="Please keep the reason under 300 characters.")],
    )


class WarnedForm(FlaskForm):
    """Warns of what looks like an identifier in ``texts``, until the user confirms that it is none."""

    texts: tuple[str, ...] = ()
    nobody_identified = BooleanField("I have checked: none of this identifies the patient.")

    def validate(self, extra_validators: Any = None) -> bool:
        valid = super().validate(extra_validators)
        warned = [self[name] for name in self.texts if _warn(self[name])]
        if not warned or self.nobody_identified.data:
            return bool(valid)
        for field in warned:
            field.errors = [*field.errors, *_warn(field)]
        self.nobody_identified.errors = ["Remove what identifies the patient, or confirm that nothing does."]
        return False


def _warn(field: StringField) -> list[str]:
    return [f"{words}." for words in identifiers_in(field.data or "", datetime.now(UTC).date())]


def a_code(_form: FlaskForm, field: StringField) -> None:
    """A patient reference is a code, not a name."""
    field.data = (field.data or "").strip()
    if not REFERENCE.fullmatch(field.data):
        raise ValidationError(
            "Use 3 to 40 letters, digits, dots, dashes or slashes, with at least one digit and no spaces: "
            "a code, not a name."
        )


def _site_in(form: FlaskForm) -> BodySite | None:
    """None if none is chosen yet."""
    chosen = form["body_site"].data
    return BodySite(chosen) if chosen in tuple(BodySite) else None


def a_side(form: FlaskForm, field: RadioField) -> None:
    """One that the body site has; it may be missing only where the site is not among those named."""
    site = _site_in(form)
    ask = "Choose left or right." if site and site.paired else "Choose left, right or midline."
    if not field.data:
        field.errors.clear()
        raise StopValidation(ask if site not in (None, BodySite.OTHER) else None)
    if site and field.data not in site.sides:
        raise ValidationError(ask)


def a_surface(form: FlaskForm, field: SelectField) -> None:
    site = _site_in(form)
    if site and field.data not in site.surfaces:
        raise ValidationError("The body site that you chose has no such surface. Choose another, or “Not stated”.")


class MillimetreField(FloatField):
    """Takes a decimal comma too, which a browser's own field for numbers may not."""

    widget = TextInput()

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0].strip().replace(",", ".").removesuffix("mm").strip() if valuelist else ""
        try:
            self.data = round(float(text), 1) if text else None
        except ValueError:
            self.data = None
            raise ValueError(SIZE) from None

    def _value(self) -> str:
        return self.raw_data[0] if self.raw_data else "" if self.data is None else f"{self.data:g}"


def a_size(_form: FlaskForm, field: FloatField) -> None:
    if field.data is not None and not SMALLEST <= field.data <= LARGEST:
        raise ValidationError(SIZE)


class CaseForm(WarnedForm, ImagesForm):
    texts = ("patient_reference", "history", "clinical_question")
    submission_token = HiddenField(validators=[DataRequired(), UUID("Please reload the page and send the form again.")])
    follows = HiddenField(validators=[Length(max=12)])
    patient_reference = StringField(
        "Patient reference",
        description="Your centre's own code. Not a name, date of birth, or NHS or other national number.",
        validators=[InputRequired("Enter your centre's code for the patient."), Length(max=40), a_code],
    )
    birth_year = IntegerField("Year of birth", validators=[Optional()])
    sex = SelectField("Sex", choices=choices_of(Sex, empty="Not stated"), validators=[Optional()])
    phototype = SelectField(
        "Skin phototype",
        choices=choices(
            [
                ("", "Not stated"),
                ("1", "I: always burns, never tans"),
                ("2", "II: burns easily, tans a little"),
                ("3", "III: burns sometimes, tans gradually"),
                ("4", "IV: burns rarely, tans well"),
                ("5", "V: brown skin, hardly ever burns"),
                ("6", "VI: dark brown or black skin, never burns"),
            ]
        ),
        coerce=_optional_int,
        validators=[Optional()],
    )
    body_site = RadioField(
        "Body site",
        choices=choices_of(BodySite),
        validators=[InputRequired("Choose a body site.")],
    )
    side = RadioField(
        "Side",
        description="The patient's own left or right.",
        choices=choices_of(Side),
        validators=[a_side],
    )
    surface = SelectField(
        "Surface", choices=choices_of(Surface, empty="Not stated"), validators=[Optional(), a_surface]
    )
    size_mm = MillimetreField("Largest diameter (mm)", validators=[Optional(), a_size])
    history = TextAreaField(
        "History",
        description="For example duration, growth, bleeding, treatment. Do not include names.",
        validators=[Length(max=4000, message="Please keep the history under 4,000 characters.")],
    )
    clinical_question = TextAreaField(
        "Your question", validators=[Length(max=2000, message="Please keep the question under 2,000 characters.")]
    )
    consent = BooleanField(
        "The patient, or the person who decides for them, understands what the images are for and agrees to them being "
        "sent, stored and reviewed by a dermatologist.",
        validators=[DataRequired("Confirm that the patient agrees.")],
    )
    nothing_identifying = BooleanField(
        "No image or text includes a name, date of birth, whole face or anything else that could identify the patient.",
        validators=[DataRequired("Confirm that nothing identifies the patient.")],
    )
    urgency = RadioField("Urgency", choices=choices_of(Urgency), default=Urgency.ROUTINE.value)

    def validate_birth_year(self, field: IntegerField) -> None:
        this_year = datetime.now(UTC).year
        if field.data is not None and not this_year - LONGEST_LIFE <= field.data <= this_year:
            raise ValidationError(f"Enter a year between {this_year - LONGEST_LIFE} and {this_year}.")


class AdditionForm(WarnedForm, ImagesForm):
    """Something to add to a case that waits: a note, images, or both. ``token``: the form adds once."""

    texts = ("note",)
    token = HiddenField(validators=[DataRequired(), UUID("Please reload the page and send the form again.")])
    note = TextAreaField(
        "Note",
        description="For example what has changed, or what you forgot. Do not include names.",
        validators=[Length(max=2000, message="Please keep the note under 2,000 characters.")],
        filters=[lambda text: (text or "").strip()],
    )


def _reason(description: str, missing: str, element: str = "reason") -> StringField:
    """``element``: its id on the page, if there is another such field."""
    return StringField(
        "Reason",
        id=element,
        description=f"{description} Do not include names.",
        validators=[DataRequired(missing), Length(max=300, message="Please keep the reason under 300 characters.")],
        filters=[lambda text: (text or "").strip()],
    )


class WithdrawForm(FlaskForm):
    reason = _reason(
        "For example: wrong patient, or sent twice. The dermatologist can read it.",
        "Say why you withdraw the case: a dermatologist may be reading it now.",
    )


class ReferenceForm(WarnedForm):
    """``seen``: the reference that the page showed."""

    texts = ("patient_reference", "reason")
    seen = HiddenField()
    patient_reference = StringField(
        "Correct patient reference",
        description="The centre's own code. Not a name, date of birth, or NHS or other national number.",
        validators=[InputRequired("Enter the centre's code for the patient."), Length(max=40), a_code],
    )
    reason = _reason(
        "For example: two patients were mixed up. The centre and the dermatologist can read it.",
        "Say why the reference is wrong: the correction stays on the record.",
        element="reference-reason",
    )


class VoidForm(FlaskForm):
    """``since``: when the page showed the case."""

    since = HiddenField()
    reason = _reason(
        "For example: images of another patient. The centre and the dermatologist can read it.",
        "Say why the case is void: the centre and the dermatologist are told.",
    )


class FollowForm(FlaskForm):
    """Which earlier case of the patient shows the same lesion. The choices are case numbers."""

    follows = SelectField("Earlier case of the same lesion")
