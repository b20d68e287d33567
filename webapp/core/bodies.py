"""How large a request may be, decided before any of it is read: large only for images, from people signed in."""

from flask import Flask, request, session
from flask_login import current_user
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import Unauthorized

from webapp.core.config import current_settings
from webapp.core.overload import WITH_IMAGES

SMALL_BYTES = 2**20
"""Of any other request: a form with the longest texts takes a hundredth of it."""
PORTION_BYTES = 2**16


def init_app(app: Flask) -> None:
    """Registered before whatever parses a form, as the check of its token does."""
    app.config["MAX_CONTENT_LENGTH"] = SMALL_BYTES
    app.before_request(_decide)


def _decide() -> None:
    if request.endpoint not in WITH_IMAGES or request.method != "POST":
        return
    most = current_settings().max_request_bytes
    if _signed_in():
        request.max_content_length = most
    elif SMALL_BYTES < (request.content_length or 0) <= most:
        _pass_over()
        raise Unauthorized  # the session has ended since the form was opened


def _signed_in() -> bool:
    try:
        return bool(current_user.is_authenticated)
    except SQLAlchemyError:  # whoever was signed in gets back what was typed: the cookie is signed
        return "_user_id" in session


def _pass_over() -> None:
    """Read without keeping: a browser listens once it has sent everything."""
    while request.environ["wsgi.input"].read(PORTION_BYTES):
        pass
