"""Sign-in, and the administrator's forms for accounts and centres."""

from flask_security.forms import LoginForm
from flask_wtf import FlaskForm
from wtforms import BooleanField, EmailField, RadioField, SelectField, StringField
from wtforms.validators import DataRequired, Email, Length, Optional

from webapp.accounts import queries
from webapp.choices import choices, choices_of, optional_id
from webapp.models import Role


class SignInForm(LoginForm):
    """Flask-Security's form without "remember me": these are shared clinic computers."""

    remember = None


def _strip(text: str | None) -> str | None:
    return text.strip() if text else text


class AccountForm(FlaskForm):
    name = StringField("Full name", filters=[_strip], validators=[DataRequired("Please give a name."), Length(max=120)])
    role = RadioField("Role", choices=choices_of(Role), default=Role.GP.value)
    centre_id = SelectField(
        "Centre", description="For GPs: whose cases they see.", coerce=optional_id, validators=[Optional()]
    )

    def offer_centres(self, current: int | None = None) -> None:
        """Fill the choices; an account keeps a centre that was closed since."""
        offered = [centre for centre in queries.centres() if centre.active or centre.id == current]
        self.centre_id.choices = choices([("", "No centre"), *((str(centre.id), centre.name) for centre in offered)])


class InvitationForm(AccountForm):
    email = EmailField(
        "E-mail",
        filters=[_strip],
        validators=[
            DataRequired("Please give an e-mail address."),
            Length(max=254),
            Email("This is not an e-mail address."),
        ],
    )


class CentreForm(FlaskForm):
    name = StringField(
        "Name of the centre", filters=[_strip], validators=[DataRequired("Please give a name."), Length(max=120)]
    )
    active = BooleanField("Takes part", default=True)


class ConfirmForm(FlaskForm):
    """A button that changes something."""
