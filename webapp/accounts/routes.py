"""Home and profile; sign-in itself is Flask-Security's."""

from flask import Blueprint, Flask, redirect, render_template, url_for
from flask_login import current_user, user_logged_out
from flask_security import password_changed, password_reset, user_authenticated
from werkzeug.wrappers import Response

from webapp import audit
from webapp.accounts import service
from webapp.models import Role, User

blueprint = Blueprint("accounts", __name__)

HOMES = {Role.GP: "cases.index", Role.DERMATOLOGIST: "review.worklist", Role.ADMIN: "admin.accounts"}


@blueprint.get("/")
def home() -> Response:
    return redirect(url_for(HOMES[current_user.role]))


@blueprint.get("/profile")
def profile() -> str:
    return render_template("accounts/profile.html")


@user_authenticated.connect
def _signed_in(_app: Flask, user: User, **_more: object) -> None:
    audit.record(user, "account.signed_in", user)


@user_logged_out.connect
def _signed_out(_app: Flask, user: User, **_more: object) -> None:
    if user.is_authenticated:
        service.signed_out(user)


@password_reset.connect
def _password_reset(_app: Flask, user: User, **_more: object) -> None:
    service.joined(user)


@password_changed.connect
def _password_changed(_app: Flask, user: User, **_more: object) -> None:
    audit.record(user, "account.password_changed", user)
