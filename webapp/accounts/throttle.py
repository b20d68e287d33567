"""Guessing is slow: few attempts for each account and kind of secret, counted in the database for all processes.

Whoever guesses from a browser that the account doesn't know waits longer and longer, with all the others who do. A
browser in which the account has signed in before has a count of its own, so strangers keep no owner out. The row is
stored before the secret is checked, and stays if the request fails; a right secret takes it back.
"""

import hmac
import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from flask import current_app
from sqlalchemy import Connection, delete, insert, or_, select
from werkzeug.exceptions import TooManyRequests

from webapp.accounts import devices
from webapp.core import database
from webapp.core.extensions import db
from webapp.models import Attempt, AttemptKind, User, utcnow

log = logging.getLogger(__name__)

ATTEMPTS, WINDOW = 5, timedelta(minutes=1)
KNOWN = ((ATTEMPTS, WINDOW),)
STRANGERS = (*KNOWN, (10, timedelta(minutes=10)), (20, timedelta(hours=1)))
"""So many attempts in so much time."""
LONGEST = max(time for _most, time in STRANGERS)


def count(kind: AttemptKind, user: User | None, typed: str = "") -> int:
    """Use one of the attempts of an account, or of a name without one; returns it, for ``right``.

    Raises TooManyRequests when none is left. Ends the request's transaction, which must not have changed anything yet.
    """
    device = devices.known_as(user) if user else None
    whose = f"account {user.id}" if user else f"name {typed.strip().casefold()}"
    account = _hashed(f"{whose} on {device}" if device else whose)
    database.pause()
    with database.apart() as connection:
        taken, wait = _take(connection, kind, account, KNOWN if device else STRANGERS)
    if taken is None:
        log.warning("too many attempts (%s) on one account", kind.value)
        raise TooManyRequests(retry_after=wait)
    return taken


def right(attempt: int) -> None:
    """It was the right secret, so it doesn't count."""
    db.session.execute(delete(Attempt).where(Attempt.id == attempt))


@contextmanager
def counted(kind: AttemptKind, user: User | None, typed: str = "") -> Iterator[int]:
    """The same for a secret that is compared with a hash: slow on purpose, so no lock is held meanwhile."""
    attempt = count(kind, user, typed)
    with database.looking():
        yield attempt


def _take(
    connection: Connection, kind: AttemptKind, account: str, limits: tuple[tuple[int, timedelta], ...]
) -> tuple[int | None, int]:
    """The attempt, or None and the seconds until there is one.

    One transaction at a time: SQLite does that by itself, PostgreSQL is told to.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("LOCK TABLE attempt IN SHARE ROW EXCLUSIVE MODE")
    now = utcnow()
    # Those of a time to come were made before the clock was set back, and would count until it has caught up.
    connection.execute(delete(Attempt).where(or_(Attempt.at <= now - LONGEST, Attempt.at > now + WINDOW)))
    latest = select(Attempt.at).where(Attempt.account == account, Attempt.kind == kind).order_by(Attempt.at.desc())
    wait = _wait(connection.execute(latest.limit(limits[-1][0])).scalars().all(), limits, now)
    if wait > 0:
        return None, round(wait) or 1  # not counted: someone who keeps guessing must not wait for longer
    made = insert(Attempt).values(account=account, kind=kind, at=now).returning(Attempt.id)
    return connection.execute(made).scalar_one(), 0


def _wait(latest: Sequence[datetime], limits: tuple[tuple[int, timedelta], ...], now: datetime) -> float:
    """Seconds until every limit lets one more pass; ``latest``: when the last ones were made, newest first."""
    over = [latest[most - 1] + time - now for most, time in limits if len(latest) >= most]
    return max((left.total_seconds() for left in over), default=0.0)


def _hashed(account: str) -> str:
    return hmac.digest(current_app.config["SECRET_KEY"].encode(), account.encode(), "sha256").hex()
