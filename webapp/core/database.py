"""How transactions begin and end: one commit per successful request, immediate write locks on SQLite."""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask, Response, g, has_request_context, request
from sqlalchemy import Connection, Engine, event, make_url
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.orm import Session, SessionTransaction

from webapp.core.config import ConfigurationError, Settings
from webapp.core.extensions import db
from webapp.core.private import private_database

log = logging.getLogger(__name__)

READ_METHODS = {"GET", "HEAD", "OPTIONS"}
AUDITED_READS = {
    "media.image",
    "media.preview",
    "media.heatmap",
    "cases.show",
    "review.show",
    "review.preview",
    "changes.amend",
    "reports.export_csv",
}
"""GET endpoints that record who looked, so they need the write lock from the start."""
LATER_AUDITED_READS = {"media.thumbnail", "media.letter"}
"""GET endpoints that record it now and then, or after slow work, and begin to write only when they do."""

_reading: ContextVar[bool | None] = ContextVar("reading", default=None)
"""Whether the transaction that begins only reads; None: the request decides, and outside a request it writes."""


def init_app(app: Flask) -> None:
    app.after_request(_end_transaction)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            event.listen(db.engine, "do_connect", _keep_private)
            event.listen(db.engine, "connect", _configure_sqlite)
            event.listen(db.engine, "begin", _begin_sqlite)


def expect(settings: Settings, *, in_use: bool) -> None:
    """Raises ConfigurationError if the SQLite file is empty or gone although the installation is ``in_use``."""
    url = make_url(settings.database_url)
    if url.get_backend_name() != "sqlite" or not url.database or not in_use:
        return
    file = Path(url.database)
    if not file.exists() or file.stat().st_size == 0:
        raise ConfigurationError(
            f"The database {file} is {'empty' if file.exists() else 'gone'}, but its images are there. Restore it from "
            "a backup; for a new installation, choose another INSTANCE_DIR."
        )


def _keep_private(_dialect: Any, _record: Any, arguments: tuple[Any, ...], _more: Any) -> None:
    file = Path(arguments[0])
    if file.is_absolute() and file.parent.is_dir():
        private_database(file)


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions itself: see _begin_sqlite
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=10000", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """Writers take the write lock at once; upgrading a read snapshot later fails without waiting, even in WAL mode."""
    connection.exec_driver_sql("BEGIN" if _only_reads() else "BEGIN IMMEDIATE")


def _only_reads() -> bool:
    told = _reading.get()
    if told is not None:
        return told
    if not has_request_context() or g.get("writes"):
        return False
    return request.method in READ_METHODS and request.endpoint not in AUDITED_READS


def _end_transaction(response: Response) -> Response:
    if response.status_code < 400:
        db.session.commit()
    else:
        db.session.rollback()
    return response


def store_so_far() -> None:
    """Inside a request: keep what is done so far, even if the rest fails, which is a transaction of its own.

    Locks end here, and rows are read again when they are next used.
    """
    db.session.commit()


@contextmanager
def transaction() -> Iterator[Any]:
    """One transaction outside a request: commits on leaving, rolls back on an exception."""
    try:
        yield db.session
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        db.session.remove()


def pause() -> None:
    """End a transaction that has changed nothing, so that slow work holds no lock; the next query begins a new one."""
    if db.session.new or db.session.dirty or db.session.deleted:
        raise RuntimeError("a transaction with changes cannot be paused")
    db.session.rollback()


def begin_to_write() -> None:
    """From here on, a request that otherwise only reads will write; nothing may have changed so far."""
    pause()
    g.writes = True


@contextmanager
def looking() -> Iterator[None]:
    """Slow work that only reads, inside a request that will write: no lock is held meanwhile.

    What follows begins a transaction of its own, and sees the rows as they are then.
    """
    token = _reading.set(True)
    try:
        yield
    finally:
        db.session.rollback()
        _reading.reset(token)


@contextmanager
def apart() -> Iterator[Connection]:
    """A short transaction next to the request's own, which is over or paused; it stays even if the request fails."""
    token = _reading.set(False)
    try:
        with db.engine.begin() as connection:
            yield connection
    finally:
        _reading.reset(token)


@contextmanager
def reading() -> Iterator[Any]:
    """Reads rows outside a request, without a write lock; stores nothing."""
    token = _reading.set(True)
    try:
        yield db.session
    finally:
        db.session.rollback()
        db.session.remove()
        _reading.reset(token)


@contextmanager
def snapshot() -> Iterator[Connection]:
    """A connection on which every query sees the same moment, while others go on writing; stores nothing."""
    with reading(), db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        yield connection


Row = TypeVar("Row")
Got = TypeVar("Got")


def one_by_one(rows: Iterable[Row], step: Callable[[Row], Got], what: str) -> list[Got]:
    """Do ``step`` for each row, those that succeed together in this transaction. Returns what these give.

    A row whose step raises is left as it was, with a line in the log, and the next one has its turn. A database that
    is away is no fault of a row: that error is raised.
    """
    done = []
    for row in rows:
        try:
            with db.session.begin_nested():
                got = step(row)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("%s failed for one row, going on with the next", what)
        else:
            done.append(got)
    return done


def after_commit(call: Callable[[], object]) -> None:
    """Run ``call`` once the current transaction is committed; never if it fails, nor if the current savepoint does."""
    session = db.session()
    inner, failed = session.get_nested_transaction(), []

    def ended(_session: Session, over: SessionTransaction) -> None:
        if over is inner:
            failed.append(over)

    if inner is not None:
        event.listen(session, "after_soft_rollback", ended)
    _once("after_commit", lambda: failed or call())


def after_rollback(call: Callable[[], object]) -> None:
    """Run ``call`` if the current transaction fails.

    Not if the connection was lost: the commit may have been under way, and may have been stored.
    """
    connection = db.session.connection()
    _once("after_rollback", lambda: connection.invalidated or call())


def _once(name: str, call: Callable[[], object]) -> None:
    """At the end of the current transaction: not of a savepoint in it, nor of a later one of the same session."""
    session = db.session()
    own = session.get_transaction() or session.begin()

    def listener(session: Session) -> None:
        if session.get_transaction() is own and not session.in_nested_transaction():
            call()

    event.listen(session, name, listener)


def dispose_inherited_connections(engine: Engine) -> None:
    """After a fork: forget the parent's connections without closing them for the parent."""
    engine.dispose(close=False)
