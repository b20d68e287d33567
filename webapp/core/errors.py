"""Error pages in plain words: what happened, whether anything was lost, what to do now."""

import logging
from dataclasses import dataclass

from flask import Flask, g, render_template
from flask.typing import ResponseReturnValue
from flask_login import AnonymousUserMixin, current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionError
from werkzeug.exceptions import HTTPException, SecurityError, TooManyRequests

from webapp.core import logs
from webapp.core.extensions import db
from webapp.core.resend import Resend, resend

log = logging.getLogger(__name__)


class UnavailableError(Exception):
    """A part of the program that a request needs is unavailable; the message is for the log."""


@dataclass(frozen=True)
class Explanation:
    title: str
    text: str


EXPLANATIONS = {
    400: Explanation("We could not process that request", "Nothing was saved. Go back and try again."),
    401: Explanation(
        "You have been signed out",
        "Your session has ended, so nothing was saved. Sign in in another tab, then come back to this page and send "
        "it again.",
    ),
    403: Explanation("You do not have access", "Your role does not allow this. Nothing was changed."),
    404: Explanation("Page not found", "This page or case does not exist, or you do not have access to it."),
    405: Explanation("This page cannot be opened this way", "Nothing was changed. Go back and try again."),
    409: Explanation(
        "This case has changed", "The case has changed since you opened it. Nothing was saved or overwritten."
    ),
    413: Explanation(
        "Too large",
        "What you sent is larger than this server accepts. Nothing was saved. "
        "Go back and send fewer or smaller images, or a shorter text.",
    ),
    500: Explanation(
        "Something went wrong",
        "Nothing was saved in this step. Cases you have already sent are not affected.",
    ),
    503: Explanation(
        "Temporarily unavailable", "Please try again in a minute. Cases you have already sent are not affected."
    ),
}
FORM_EXPIRED = Explanation(
    "This form has expired",
    "It was open too long, or you have signed in again since. Nothing was saved. "
    "Go back, reload the page and send the form again.",
)
SEND_AGAIN = Explanation(
    "Please send the form again",
    "You have signed in again since you opened this form, so nothing has been saved yet. Your entries are below.",
)
UNKNOWN_HOST = "This server is not configured for that host name: see TRUSTED_HOSTS in docs/settings.md.\n"
DATABASE_AWAY = Explanation(
    "The database is temporarily unavailable",
    "Nothing was saved. Please try again in a minute: sending the same form again is safe and never creates a second "
    "case. Cases you have already sent are not affected.",
)
RETRY_AFTER = "60"
"""Seconds after which to try again what is unavailable, unless the error says otherwise."""
OF_ITS_BODY = ("Content-Type", "Content-Length")
DATABASE_ERRORS = (OperationalError, InterfaceError, NoConnectionError)
"""It is restarting, its disk is full, or it is overloaded: nothing that this program can repair."""


def init_app(app: Flask) -> None:
    app.register_error_handler(SecurityError, lambda _error: (UNKNOWN_HOST, 400, {"Content-Type": "text/plain"}))
    app.register_error_handler(CSRFError, _form_expired)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(UnavailableError, _unavailable)


def _form_expired(_error: CSRFError) -> ResponseReturnValue:
    again = resend()
    if again is None:
        return _page(400, FORM_EXPIRED)
    if current_user.is_authenticated:
        return _page(400, SEND_AGAIN, again)
    return _page(401, EXPLANATIONS[401], again)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error.get_response()  # redirects travel as exceptions too
    if isinstance(getattr(error, "original_exception", None), DATABASE_ERRORS):
        return _page(503, DATABASE_AWAY, resend())
    if isinstance(error, TooManyRequests):
        return _page(429, _too_many(error), None, _own_headers(error))
    explanation = EXPLANATIONS.get(error.code, EXPLANATIONS[400 if error.code < 500 else 500])
    return _page(error.code, explanation, resend() if error.code == 401 else None, _own_headers(error))


def _too_many(error: TooManyRequests) -> Explanation:
    seconds = error.retry_after if isinstance(error.retry_after, int) else 60
    minutes = -(-seconds // 60)
    time = "a minute" if minutes == 1 else f"{minutes} minutes"
    return Explanation(
        "Too many attempts",
        f"Please wait {time}, then try again. A device on which you have signed in before is not held up by attempts "
        "made elsewhere.",
    )


def _unavailable(error: UnavailableError) -> ResponseReturnValue:
    log.error("not available: %s", error)
    return _page(503, EXPLANATIONS[503])


def _own_headers(error: HTTPException) -> dict[str, str]:
    """What the error says in headers, such as Allow and Retry-After."""
    headers = error.get_response().headers if error.response is not None else error.get_headers()
    return {name: value for name, value in headers if name not in OF_ITS_BODY}


def _page(
    code: int, explanation: Explanation, again: Resend | None = None, headers: dict[str, str] | None = None
) -> tuple[str, int, dict[str, str]]:
    db.session.rollback()  # the failure must not make its own explanation fail too
    headers = ({"Retry-After": RETRY_AFTER} if code == 503 else {}) | (headers or {})
    facts = {"code": code, "explanation": explanation, "again": again, "request_id": logs.request_id()}
    try:
        return render_template("error.html", **facts), code, headers
    except SQLAlchemyError:  # without a database nobody is known: the page as seen signed out
        g._login_user = AnonymousUserMixin()
        return render_template("error.html", **facts), code, headers
