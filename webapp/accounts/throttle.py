"""Guessing a password is slow: few attempts a minute for each account, whoever makes them from wherever."""

from typing import Any

from flask import Flask, request

from webapp.extensions import limiter

ATTEMPTS = "10 per minute"


def init_app(app: Flask) -> None:
    """Limit Flask-Security's sign-in view; the attempts are counted before the password is checked."""
    limited: Any = limiter.limit(ATTEMPTS, key_func=_account_named, methods=["POST"])
    app.view_functions["security.login"] = limited(app.view_functions["security.login"])


def _account_named() -> str:
    return "account:" + request.form.get("email", "").strip().lower()[:254]
