"""Home, profile and sessions; sign-in itself is Flask-Security's."""

from flask import Blueprint, Flask, flash, redirect, render_template, session, url_for
from flask_login import current_user, user_logged_out
from flask_security import password_changed, password_reset, user_authenticated
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from webapp import audit
from webapp.accounts import service, sessions
from webapp.accounts.forms import CHOSEN_FOR
from webapp.models import Role, User

blueprint = Blueprint("accounts", __name__)

HOMES = {Role.GP: "cases.index", Role.DERMATOLOGIST: "review.worklist", Role.ADMIN: "admin.accounts"}


@blueprint.get("/")
def home() -> Response:
    if current_user.has_second_factor and current_user.mf_recovery_codes is None:
        return redirect(url_for("security.mf_recovery_codes"))
    return redirect(url_for(HOMES[current_user.role]))


@blueprint.get("/profile")
def profile() -> str:
    found = sessions.open_sessions(current_user)
    return render_template("accounts/profile.html", sessions=found, here=sessions.here())


@blueprint.post("/profile/sign-out-elsewhere")
def sign_out_elsewhere() -> Response:
    sessions.end_others(current_user)
    flash("You are signed out on all other devices.", "success")
    return redirect(url_for("accounts.profile"))


@blueprint.get("/session")
def time_left() -> dict[str, object]:
    """For the warning before a session ends; asking does not extend it."""
    present = sessions.here()
    return {
        "seconds": round(sessions.seconds_left_from_now(present)) if present else 0,
        "person": current_user.id,
        "token": generate_csrf(),
    }


@blueprint.post("/session")
def stay() -> dict[str, object]:
    """Somebody is present, reading or typing."""
    return time_left()


@user_authenticated.connect
def _signed_in(_app: Flask, user: User, **_more: object) -> None:
    audit.record(user, "account.signed_in", user)


@user_logged_out.connect
def _signed_out(_app: Flask, user: User, **_more: object) -> None:
    if user.is_authenticated:
        sessions.sign_out(user)


@password_reset.connect
def _password_reset(_app: Flask, user: User, **_more: object) -> None:
    service.joined(user)
    session[CHOSEN_FOR] = user.email


@password_changed.connect
def _password_changed(_app: Flask, user: User, **_more: object) -> None:
    service.password_changed(user)
