"""The second factor: a code from an authenticator app, each valid once, or one of a few recovery codes.

The pages are Flask-Security's. Ours are these rules: a used code is refused everywhere, recovery codes are stored like
passwords, everything is audited, and whoever has only given a password gets no further than these pages.
"""

import time

from flask import Flask, redirect, request, session, url_for
from flask_login import current_user
from flask_security import MfRecoveryCodesUtil, Totp, tf_code_confirmed, tf_disabled, tf_profile_changed
from flask_security.tf_plugin import tf_clean_session
from flask_security.utils import hash_password, verify_password
from passlib.exc import UsedTokenError
from passlib.totp import TotpMatch
from sqlalchemy import or_, update
from werkzeug.wrappers import Response

from webapp import audit
from webapp.accounts import queries, sessions
from webapp.core.extensions import db
from webapp.models import User

SECONDS_TO_FINISH = 600
"""How soon after the password the code must be given."""
SINCE = "second_factor_since"
HALF_WAY = {"security.two_factor_setup", "security.two_factor_token_validation", "security.mf_recovery"}
SETTING_UP = {*HALF_WAY, "security.verify", "security.logout", "static"}
"""The only pages open to somebody who must have a second factor and has none yet."""


class OnceOnlyTotp(Totp):
    """Each code works once, even if two processes receive it at the same moment."""

    def set_last_counter(self, user: User, tmatch: TotpMatch) -> None:  # type: ignore[override]
        fresh = or_(User.tf_last_counter.is_(None), User.tf_last_counter < tmatch.counter)
        moved = update(User).where(User.id == user.id, fresh).values(tf_last_counter=tmatch.counter)
        if db.session.execute(moved).rowcount != 1:  # type: ignore[attr-defined]
            raise UsedTokenError


class HashedRecoveryCodes(MfRecoveryCodesUtil):
    """Recovery codes are shown when they are generated, and never again."""

    def create_recovery_codes(self, user: User) -> list[str]:  # type: ignore[override]
        codes: list[str] = super().create_recovery_codes(user)
        user.mf_recovery_codes = [hash_password(code) for code in codes]
        audit.record(user, "account.recovery_codes_made", user, after={"codes": len(codes)})
        return codes

    def get_recovery_codes(self, user: User) -> list[str]:  # type: ignore[override]
        return []

    def check_recovery_code(self, user: User, code: str) -> bool:  # type: ignore[override]
        """Whether it is one of the unused codes; the account stays locked, so that it serves one request only."""
        return _matching(queries.locked(user), code) is not None

    def delete_recovery_code(self, user: User, code: str) -> bool:  # type: ignore[override]
        used = _matching(user, code)
        user.mf_recovery_codes = [left for left in user.mf_recovery_codes or [] if left != used]
        audit.record(user, "account.recovery_code_used", user, after={"left": len(user.mf_recovery_codes)})
        return used is not None


def _matching(user: User, code: str) -> str | None:
    """The form of a code that is hashed, however it was typed."""
    signs = "".join(sign for sign in code.lower() if sign.isalnum())
    typed = "-".join(signs[start : start + 4] for start in range(0, len(signs), 4))
    return next((stored for stored in user.mf_recovery_codes or [] if verify_password(typed, stored)), None)


def init_app(app: Flask) -> None:
    app.before_request(_keep_the_order)


def next_step() -> Response | None:
    """Whoever needs a second factor and has none must set it up before anything else."""
    missing = current_user.needs_second_factor and not current_user.has_second_factor
    if missing and request.endpoint not in SETTING_UP:
        return redirect(url_for("security.two_factor_setup"))
    return None


def password_given() -> None:
    """Starts the short time in which the code must be given."""
    session[SINCE] = time.time()


def _keep_the_order() -> Response | None:
    """These pages come soon after the password, and in order."""
    if request.endpoint not in {*HALF_WAY, "security.mf_recovery_codes"}:
        return None
    if current_user.is_authenticated:
        return _keep_the_order_signed_in()
    if time.time() - session.get(SINCE, 0) > SECONDS_TO_FINISH:
        tf_clean_session()  # Flask-Security then asks for the password again
    return None


def _keep_the_order_signed_in() -> Response | None:
    setting_up = session.get("tf_state") == "validating_profile"
    if request.endpoint == "security.two_factor_token_validation" and not setting_up:
        return redirect(
            url_for("accounts.profile")
        )  # Flask-Security would sign the user out, even for the address of an image
    if request.endpoint == "security.mf_recovery_codes" and not current_user.has_second_factor:
        return redirect(url_for("accounts.profile"))
    return None


@tf_code_confirmed.connect
def _confirmed(_app: Flask, user: User, **_more: object) -> None:
    if session.get("tf_state") == "validating_profile":  # otherwise it is an ordinary sign-in
        sessions.end_all(user, user)
        _set(user)


@tf_profile_changed.connect
def _changed(_app: Flask, user: User, **_more: object) -> None:
    sessions.end_others(user)
    _set(user)


@tf_disabled.connect
def _disabled(_app: Flask, user: User, **_more: object) -> None:
    sessions.end_others(user)
    user.mf_recovery_codes = None
    audit.record(user, "account.second_factor_removed", user)


def _set(user: User) -> None:
    """The recovery codes of the previous app are void; the next page offers new ones."""
    user.mf_recovery_codes = None
    audit.record(user, "account.second_factor_set", user)


def reset(actor: User | None, user: User) -> None:
    """For somebody who has neither the app nor a recovery code: the next sign-in sets up a new app."""
    user.tf_primary_method = user.tf_totp_secret = user.mf_recovery_codes = None
    sessions.end_all(actor, user)
    audit.record(actor, "account.second_factor_reset", user)


def failed(user: User) -> None:
    """A code or recovery code was wrong after the right password."""
    audit.record(None, "account.second_factor_failed", user)
