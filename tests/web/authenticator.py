"""A test's authenticator app: RFC 6238 codes from the standard library, and the steps through the pages."""

import base64
import hashlib
import hmac
import re
import struct
import time

from flask import Flask
from sqlalchemy import delete, select, update
from werkzeug.test import TestResponse

from tests.conftest import PASSWORD
from tests.web_client import CheckedClient, new_client
from webapp.core.database import reading, transaction
from webapp.models import Attempt, User

PERIOD = 30


def code_of(key: str, steps: int = 0) -> str:
    """The six-digit code for a base32 key, ``steps`` half minutes from now."""
    secret = base64.b32decode(key + "=" * (-len(key) % 8))
    counter = int(time.time()) // PERIOD + steps
    digest = hmac.digest(secret, struct.pack(">Q", counter), hashlib.sha1)
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"


def wrong_code(key: str) -> str:
    """Six digits that are not a valid code around now."""
    near = {code_of(key, steps) for steps in range(-4, 5)}
    return next(text for text in map("{:06}".format, range(20)) if text not in near)


def key_on(page: str) -> str:
    found = re.search(r'<span class="secret">([A-Z2-7-]+)</span>', page)
    assert found, page
    return found.group(1).replace("-", "")


def token_on(page: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert found, page
    return found.group(1)


def give_password(client: CheckedClient, email: str, password: str = PASSWORD) -> TestResponse:
    return client.submit("/login", {"email": email, "password": password})


def give_code(client: CheckedClient, code: str) -> TestResponse:
    return client.submit("/tf-validate", {"code": code})


def begin_set_up(client: CheckedClient) -> str:
    """Start setting up; returns the key that the page shows."""
    return key_on(client.submit("/tf-setup", {"setup": "authenticator"}).text)


def set_up(app: Flask, email: str, client: CheckedClient | None = None) -> str:
    """A complete first sign-in; returns the key. Its code counts as used long ago."""
    client = client or new_client(app)
    assert give_password(client, email).location == "/tf-setup"
    key = begin_set_up(client)
    assert give_code(client, code_of(key)).status_code == 302
    forget_used_codes(app, email)
    return key


def recovery_codes(client: CheckedClient) -> list[str]:
    page = client.submit("/mf-recovery-codes", {"generate_new_codes": "y"}).text
    return re.findall(r"<li>([0-9a-f]{4}(?:-[0-9a-f]{4}){2})</li>", page)


def forget_used_codes(app: Flask, email: str) -> None:
    """As if the last code and the last attempts were long ago."""
    with app.app_context(), transaction() as session:
        session.execute(delete(Attempt))
        session.execute(update(User).where(User.email == email).values(tf_last_counter=None))


def stored(app: Flask, email: str) -> User:
    with app.app_context(), reading() as session:
        user = session.scalars(select(User).where(User.email == email)).one()
        session.expunge(user)
        return user
