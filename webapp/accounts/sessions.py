"""Where people are signed in: one row per browser, ended by time, by signing out or by an administrator.

Flask-Security puts the account's ``fs_uniquifier`` into the cookie: changing it ends everything of the account at once.
The random token next to it belongs to one sign-in; the row holds its SHA-256 and when its user was last active.
"""

import hashlib
import logging
import secrets
import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from flask import Flask, Response, flash, g, request, session
from flask_login import user_logged_in
from flask_security.utils import set_request_attr
from sqlalchemy import ColumnElement, delete, update
from sqlalchemy.exc import SQLAlchemyError

from webapp import audit
from webapp.accounts import queries
from webapp.accounts.browsers import browser_in_words
from webapp.core.config import Settings, current_settings
from webapp.core.database import apart
from webapp.core.extensions import db
from webapp.models import SignInSession, User, utcnow

log = logging.getLogger(__name__)

TOKEN = "sign_in"  # noqa: S105
KEPT_AT_SIGN_IN = {"_user_id", "_fresh", "_id"}
POLLS = {"cases.updates", "cases.status", "review.news", "operation.rerun_status", "accounts.time_left"}
"""What a page requests by itself: no sign that anybody is present."""
NOTED_EVERY = timedelta(seconds=55)
ROWS_KEPT = timedelta(days=30)


TIMED_OUT = "You were signed out because of inactivity. Please sign in again."
ENDED = (
    "You were signed out: your account or password was changed, or you signed out on another device. "
    "Please sign in again."
)


@dataclass
class Here:
    """The session of this request as plain values: its row is not selected again."""

    id: int
    started_at: datetime
    seen_at: datetime


def init_app(app: Flask) -> None:
    """Registered before the database's handlers, which therefore run first: the response's transaction is over."""
    app.after_request(_note_seen)
    app.jinja_env.globals.update(seconds_left=_seconds_left)


def load_user(fs_uniquifier: str) -> User | None:
    """Whose cookie this is, or None once the session has ended or the account is disabled."""
    token = session.get(TOKEN)
    found = queries.signed_in(str(fs_uniquifier), _digest(token)) if token else None
    if found is None:
        return None
    user, row_id, started_at, seen_at = found
    here = Here(row_id, started_at, seen_at)
    if not user.active or seconds_left(here) <= 0:
        return None
    g.sign_in = here
    set_request_attr("fs_authn_via", "session")
    set_request_attr("fs_paa", session.get("fs_paa", 0))
    return user


def no_token_signs_in(_request: object) -> None:
    """Flask-Security would also accept its own tokens, in headers and addresses, which none of our limits ends."""


def here() -> Here | None:
    return g.get("sign_in")


def seconds_left(here: Here) -> float:
    """Until the session ends without further activity; zero or less: it has ended."""
    settings = _settings()
    ends = min(here.seen_at + _idle(settings), here.started_at + timedelta(hours=settings.session_hours))
    return (ends - utcnow()).total_seconds()


def seconds_left_from_now(here: Here) -> float:
    """The same once this request has been recorded, if it will be."""
    now = utcnow()
    return seconds_left(replace(here, seen_at=now) if _will_be_noted(here, now) else here)


def say_why_it_ended() -> None:
    """Once per session: the cookie belongs to somebody who is no longer signed in."""
    token = session.pop(TOKEN, None)
    if token is not None:
        flash(ENDED if queries.session_was_ended(_digest(token)) else TIMED_OUT, "info")


def forget_this_browser() -> None:
    """Who ends their own sessions knows why: the sign-in page need not say it."""
    session.pop(TOKEN, None)


def _seconds_left() -> int:
    """Until the session ends by itself, counted from this page."""
    present = here()
    return round(seconds_left_from_now(present)) if present else 0


@user_logged_in.connect
def _begin(_app: Flask, user: User) -> None:
    """A new token, and nothing left of what the cookie held for the previous user of this browser."""
    for name in set(session) - KEPT_AT_SIGN_IN:
        session.pop(name)
    g.pop("csrf_token", None)  # Flask-WTF still holds that of the old session
    session[TOKEN] = secrets.token_urlsafe(32)
    row = SignInSession(
        token_sha256=_digest(session[TOKEN]), user_id=user.id, browser=browser_in_words(request.user_agent.string)
    )
    db.session.add(row)
    _forget_old(user)
    db.session.flush()
    g.sign_in = Here(row.id, row.started_at, row.seen_at)


def sign_out(user: User) -> None:
    """This browser only; a copy of its cookie is worthless too."""
    present = here()
    if present is not None:
        _end(SignInSession.id == present.id)
    forget_this_browser()
    audit.record(user, "account.signed_out", user)


def end_all(actor: User | None, user: User) -> int:
    """At once and everywhere; returns how many sessions there were."""
    user.fs_uniquifier = uuid.uuid4().hex
    ended = _end(SignInSession.user_id == user.id)
    if ended:
        audit.record(actor, "account.sessions_ended", user, after={"sessions": ended})
    return ended


def end_others(user: User) -> int:
    """Everywhere but here, including where the password has been given but not yet the second factor."""
    user.fs_uniquifier = session["_user_id"] = uuid.uuid4().hex
    present = here()
    others = SignInSession.user_id == user.id
    ended = _end(others if present is None else others & (SignInSession.id != present.id))
    if ended:
        audit.record(user, "account.sessions_ended", user, after={"sessions": ended})
    return ended


def open_sessions(user: User) -> list[SignInSession]:
    settings, now = _settings(), utcnow()
    return queries.open_sessions(user, now - timedelta(hours=settings.session_hours), now - _idle(settings))


def _end(which: ColumnElement[bool]) -> int:
    statement = update(SignInSession).where(which, SignInSession.ended_at.is_(None)).values(ended_at=utcnow())
    return int(db.session.execute(statement).rowcount)  # type: ignore[attr-defined]


def _forget_old(user: User) -> None:
    old = SignInSession.started_at < utcnow() - ROWS_KEPT
    db.session.execute(delete(SignInSession).where(SignInSession.user_id == user.id, old))


def _note_seen(response: Response) -> Response:
    """At most about once a minute, in a transaction of its own: a page that only reads takes no write lock."""
    present, now = here(), utcnow()
    if present is not None and _will_be_noted(present, now):
        row = (SignInSession.id == present.id) & SignInSession.ended_at.is_(None)
        try:
            with apart() as connection:
                connection.execute(update(SignInSession).where(row).values(seen_at=now))
            present.seen_at = now
        except SQLAlchemyError:
            log.exception("the time last seen could not be saved")  # the page itself is fine
    return response


def _will_be_noted(here: Here, now: datetime) -> bool:
    return request.endpoint not in POLLS and now - here.seen_at >= NOTED_EVERY


def _settings() -> Settings:
    settings = current_settings()
    return settings


def _idle(settings: Settings) -> timedelta:
    return timedelta(minutes=settings.idle_minutes)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
