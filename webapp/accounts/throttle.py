"""Guessing is slow: few attempts a minute for each account and kind of secret, whoever makes them and from wherever.

Counted in the database, so that any number of processes and machines count together; the row is stored before the
secret is checked, and stays if the request fails.
"""

import hmac
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from flask import current_app
from sqlalchemy import Connection, delete, func, insert, select
from werkzeug.exceptions import TooManyRequests

from webapp.core import database
from webapp.models import Attempt, AttemptKind, User, utcnow

log = logging.getLogger(__name__)

ATTEMPTS = 5
WINDOW = timedelta(minutes=1)


def count(kind: AttemptKind, user: User | None, typed: str = "") -> None:
    """Use one of the attempts of an account, or of a name without one. Raises TooManyRequests when none is left.

    Ends the request's transaction, which must not have changed anything yet.
    """
    account = _hashed(f"account {user.id}" if user else f"name {typed.strip().casefold()}")
    database.pause()
    with database.apart() as connection:
        free = _take(connection, kind, account)
    if not free:
        log.warning("too many attempts (%s) on one account", kind.value)
        raise TooManyRequests


@contextmanager
def counted(kind: AttemptKind, user: User | None, typed: str = "") -> Iterator[None]:
    """The same for a secret that is compared with a hash: slow on purpose, so no lock is held meanwhile."""
    count(kind, user, typed)
    with database.looking():
        yield


def _take(connection: Connection, kind: AttemptKind, account: str) -> bool:
    """Whether one was left. One transaction at a time: SQLite does that by itself, PostgreSQL is told to."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE attempt IN SHARE ROW EXCLUSIVE MODE")
    now = utcnow()
    connection.execute(delete(Attempt).where(Attempt.at <= now - WINDOW))
    made = select(func.count()).where(Attempt.account == account, Attempt.kind == kind)
    if connection.execute(made).scalar_one() >= ATTEMPTS:
        return False  # not counted: someone who keeps guessing must not lock the owner out for longer
    connection.execute(insert(Attempt).values(account=account, kind=kind, at=now))
    return True


def _hashed(account: str) -> str:
    return hmac.digest(current_app.config["SECRET_KEY"].encode(), account.encode(), "sha256").hex()
