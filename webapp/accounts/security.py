"""Wires Flask-Security: its pages with our forms, sessions, and rules for passwords and codes."""

from flask import Flask
from flask_security import Security, SQLAlchemyUserDatastore

from webapp.accounts import forms, second_factor, sessions
from webapp.accounts.passwords import Passwords
from webapp.core.extensions import db
from webapp.models import User
from webapp.models.user import SecurityRole


def init_app(app: Flask) -> None:
    security = Security(  # one per application: it holds what signs links and cookies
        app,
        SQLAlchemyUserDatastore(db, User, SecurityRole),
        totp_cls=second_factor.OnceOnlyTotp,
        mf_recovery_codes_util_cls=second_factor.HashedRecoveryCodes,
        password_util_cls=Passwords,
        login_form=forms.SignInForm,
        verify_form=forms.PasswordAgainForm,
        change_password_form=forms.NewPasswordForm,
        two_factor_setup_form=forms.SecondFactorForm,
        two_factor_rescue_form=forms.NoRescueForm,
        two_factor_verify_code_form=forms.CodeForm,
        mf_recovery_form=forms.RecoveryCodeForm,
    )
    security.want_json(lambda _request: False)  # its pages are for people
    app.login_manager.user_loader(sessions.load_user)  # type: ignore[attr-defined]
    app.login_manager.request_loader(sessions.no_token_signs_in)  # type: ignore[attr-defined]
    second_factor.init_app(app)
