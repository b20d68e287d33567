"""Browsers in which an account has signed in before: a signed cookie, so that guessing elsewhere keeps nobody out.

It opens nothing. A shared computer is known to several accounts; the cookie names them by a keyed hash.
"""

import hmac
import secrets
from datetime import timedelta

from flask import Flask, Response, after_this_request, current_app, request
from flask_login import user_logged_in
from flask_security import password_reset
from itsdangerous import BadData, URLSafeTimedSerializer

from webapp.core.config import current_settings
from webapp.models import User

KNOWN_FOR = timedelta(days=180)
MOST_ACCOUNTS = 20
"""The latest: a cookie holds four kilobytes."""


def known_as(user: User) -> str | None:
    """The random name of this browser, if the account has signed in here; None for a stranger."""
    name, accounts = _read()
    return name if _mark(user) in accounts else None


@user_logged_in.connect
@password_reset.connect
def _remember(_app: Flask, user: User, **_more: object) -> None:
    """Signed in completely, or by a link that only the account's owner was sent."""
    name, accounts = _read()
    marks = [_mark(user), *(mark for mark in accounts if mark != _mark(user))][:MOST_ACCOUNTS]
    value = _serializer().dumps([name or secrets.token_hex(8), marks])

    @after_this_request
    def keep(response: Response) -> Response:
        response.set_cookie(
            _cookie(),
            value,
            max_age=KNOWN_FOR,
            secure=current_settings().https,
            httponly=True,
            samesite="Lax",
        )
        return response


def _read() -> tuple[str, list[str]]:
    try:
        name, accounts = _serializer().loads(request.cookies.get(_cookie(), ""), max_age=int(KNOWN_FOR.total_seconds()))
    except BadData:
        return "", []
    return name, accounts


def _cookie() -> str:
    return "__Host-dermtriage-device" if current_settings().https else "dermtriage-device"


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="known device")


def _mark(user: User) -> str:
    key = current_app.config["SECRET_KEY"].encode()
    return hmac.digest(key, f"device of {user.id}".encode(), "sha256").hex()[:16]
