"""Sign-in, and the administrator's forms for accounts and centres."""

from typing import Any

from flask import session
from flask_login import current_user
from flask_security import (
    ChangePasswordForm,
    LoginForm,
    MfRecoveryForm,
    TwoFactorRescueForm,
    TwoFactorSetupForm,
    TwoFactorVerifyCodeForm,
    VerifyForm,
)
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, FloatField, RadioField, SelectField, StringField
from wtforms.validators import DataRequired, Email, Length, NumberRange, Optional

from webapp.accounts import queries, second_factor, service, throttle
from webapp.core.choices import choices, choices_of, optional_id
from webapp.models import AttemptKind, Role, User

CHOSEN_FOR = "password_chosen_for"
"""In the session: the address of whoever has just chosen a password here, for the sign-in page to fill in once."""


class SignInForm(LoginForm):
    """Flask-Security's form without "remember me": these are shared clinic computers."""

    remember = None

    def __init__(self, *fields: Any, **more: Any) -> None:
        super().__init__(*fields, **more)
        self.email.data = self.email.data or session.pop(CHOSEN_FOR, None)

    def validate(self, **kwargs: Any) -> bool:
        typed = (self.email.data or "").strip()
        self.ifield, self.user = self.email, queries.by_email(typed)
        with throttle.counted(AttemptKind.SIGN_IN, self.user, typed) as attempt:
            valid = bool(super().validate(**kwargs))
            stored = self.user.password if self.user else ""
        if valid and self.user is not None:
            throttle.right(attempt)
            self.user.password = stored  # hashed again if the cost has been raised
            self.next.data = self.next.data or "/"
            second_factor.password_given()
        elif self.user is not None:
            service.sign_in_failed(self.user)
        return valid


class PasswordAgainForm(VerifyForm):
    user: User

    def validate(self, **kwargs: Any) -> bool:
        with throttle.counted(AttemptKind.PRESENT_PASSWORD, self.user) as attempt:
            valid = bool(super().validate(**kwargs))
        if valid:
            throttle.right(attempt)
        return valid


class NewPasswordForm(ChangePasswordForm):
    def validate(self, **kwargs: Any) -> bool:
        attempt = throttle.count(AttemptKind.PRESENT_PASSWORD, current_user)
        valid = bool(super().validate(**kwargs))
        if valid:
            throttle.right(attempt)
        return valid


class SecondFactorForm(TwoFactorSetupForm):
    """Which button was pressed; the app is the only kind offered, so there is nothing to choose."""

    setup = StringField()


class NoRescueForm(TwoFactorRescueForm):
    """Flask-Security would offer help by email; here a recovery code helps, or the administrator."""

    help_setup = RadioField(choices=[])


class CodeForm(TwoFactorVerifyCodeForm):
    """A code from the authenticator app, at sign-in and when the app is set up."""

    user: User

    def validate(self, **kwargs: Any) -> bool:
        attempt = throttle.count(AttemptKind.CODE, self.user)
        valid = bool(super().validate(**kwargs))
        if valid:
            throttle.right(attempt)
        elif self.user.has_second_factor:
            second_factor.failed(self.user)
        return valid


class RecoveryCodeForm(MfRecoveryForm):
    user: User

    def validate(self, **kwargs: Any) -> bool:
        attempt = throttle.count(AttemptKind.RECOVERY_CODE, self.user)
        valid = bool(super().validate(**kwargs))
        if valid:
            throttle.right(attempt)
        else:
            second_factor.failed(self.user)
        return valid


def _strip(text: str | None) -> str | None:
    return text.strip() if text else text


class AccountForm(FlaskForm):
    name = StringField("Full name", filters=[_strip], validators=[DataRequired("Enter a full name."), Length(max=120)])
    role = RadioField("Role", choices=choices_of(Role), default=Role.GP.value)
    centre_id = SelectField(
        "Centre",
        description="Required for GPs. They see this centre's cases.",
        coerce=optional_id,
        validators=[Optional()],
    )

    registration = StringField(
        "Registration number",
        description="Of a dermatologist, with the professional register: printed on reports below the name.",
        filters=[_strip],
        validators=[Length(max=60)],
    )

    def offer_centres(self, current: int | None = None) -> None:
        """Fill the choices; an account keeps a centre that has been closed since."""
        offered = [centre for centre in queries.centres() if centre.active or centre.id == current]
        self.centre_id.choices = choices([("", "No centre"), *((str(centre.id), centre.name) for centre in offered)])


class InvitationForm(AccountForm):
    email = EmailField(
        "Email",
        filters=[_strip],
        validators=[
            DataRequired("Enter an email address."),
            Length(max=254),
            Email("Enter a valid email address, such as name@hospital.example."),
        ],
    )


A_PERCENTAGE = "Enter a percentage from 0.1 to 99.9."


class PercentField(FloatField):
    """Takes "12.5", "12,5" and "12.5 %"."""

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata([text.strip().removesuffix("%").replace(",", ".") for text in valuelist])
        except ValueError as error:
            raise ValueError(A_PERCENTAGE) from error


class CentreForm(FlaskForm):
    name = StringField(
        "Centre name", filters=[_strip], validators=[DataRequired("Enter a centre name."), Length(max=120)]
    )
    bcc_percent = PercentField(
        "Percentage of the images it sends that are BCC",
        description="For example from its histology of the last years. With it, dermatologists see how likely a BCC is "
        "at this centre; leave it empty if you don't know. Which cases count as suspected, and their order, stay "
        "the same.",
        validators=[Optional(), NumberRange(0.1, 99.9, message=A_PERCENTAGE)],
    )
    active = BooleanField("Active", default=True)

    @property
    def bcc_rate(self) -> float | None:
        """As a share, 0 to 1."""
        return None if self.bcc_percent.data is None else self.bcc_percent.data / 100


class ResetSecondFactorForm(FlaskForm):
    sure = BooleanField(
        "I have spoken to this person and confirmed who they are", validators=[DataRequired("Confirm who this is.")]
    )
