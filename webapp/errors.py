"""Error pages in plain words: what happened, whether anything was lost, what to do now."""

import logging
from dataclasses import dataclass

from flask import Flask, g, render_template
from flask.typing import ResponseReturnValue
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from webapp.extensions import db
from webapp.storage import StorageError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Explanation:
    title: str
    text: str


EXPLANATIONS = {
    400: Explanation("That request could not be understood", "Nothing was saved. Go back, and try once more."),
    401: Explanation("Please sign in", "You are not signed in, or your session has ended. Nothing was saved."),
    403: Explanation("Not part of your role", "Your account may not open this page. Nothing was changed."),
    404: Explanation("Nothing here", "There is no such page or case, or it is not one that you may see."),
    405: Explanation("Not done this way", "This address cannot be opened like that. Nothing was changed."),
    409: Explanation("Somebody else was faster", "The case has changed since you opened it. Nothing was overwritten."),
    413: Explanation(
        "Too much at once",
        "The images are larger together than this server accepts. Nothing was saved. "
        "Go back and send fewer or smaller images.",
    ),
    429: Explanation("Too many attempts", "Please wait a minute, and try again."),
    500: Explanation(
        "Something went wrong on our side",
        "The error was noted. Nothing was saved in this step. Cases that were sent before are safe.",
    ),
    503: Explanation("Not available just now", "Please try again in a minute. Cases that were sent before are safe."),
}
FORM_EXPIRED = Explanation(
    "This form has expired",
    "It was open for too long, or you have signed in again since. Nothing was saved. "
    "Go back, reload the page and send it again.",
)


def init_app(app: Flask) -> None:
    app.register_error_handler(CSRFError, lambda _error: _page(400, FORM_EXPIRED))
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(StorageError, _no_store)


def _http_error(error: HTTPException) -> ResponseReturnValue:
    if error.code is None or error.code < 400:
        return error.get_response()  # redirects travel as exceptions too
    return _page(error.code, EXPLANATIONS.get(error.code, EXPLANATIONS[400 if error.code < 500 else 500]))


def _no_store(error: StorageError) -> ResponseReturnValue:
    log.error("image store: %s", error)
    return _page(503, EXPLANATIONS[503])


def _page(code: int, explanation: Explanation) -> tuple[str, int]:
    db.session.rollback()  # what failed must not make its own explanation fail too
    try:
        return render_template("error.html", code=code, explanation=explanation), code
    except SQLAlchemyError:  # without a database nobody is known: the page as a stranger sees it
        g._login_user = AnonymousUserMixin()
        return render_template("error.html", code=code, explanation=explanation), code
