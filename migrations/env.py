"""Alembic's entry: the application's own engine and tables. Always run through the Flask command or app.py."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from flask import current_app
from sqlalchemy import Connection, inspect, text

from webapp.core import release
from webapp.core.extensions import db
from webapp.core.orm import UtcDateTime
from webapp.storage.errors import StoreAwayError
from webapp.storage.store import current_store


def render_item(kind: str, item: object, _autogen: object) -> str | bool:
    """Migrations name plain SQL types, never the application's classes, which may change later."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


@contextmanager
def tables_may_be_copied(connection: Connection) -> Iterator[None]:
    """SQLite alters a table by copying it and dropping the old one, which foreign keys that point to it would forbid.

    They are checked afterwards instead. The switch works only outside a transaction, so it goes past SQLAlchemy.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
        if broken := driver.execute("PRAGMA foreign_key_check").fetchall():
            raise RuntimeError(f"the migration left rows that point nowhere: {broken[:5]}")
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def run() -> None:
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection, tables_may_be_copied(connection):
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=render_item,
        )
        with context.begin_transaction():
            context.run_migrations()
    with engine.begin() as connection:
        release.note(connection)
    with engine.connect() as connection:
        settle_store(connection)


def settle_store(connection: Connection) -> None:
    """A new installation marks its folder of images; one whose disk is not mounted is told so before it starts."""
    if not inspect(connection).has_table("image"):
        return
    latest = connection.scalars(text("SELECT key FROM image ORDER BY id DESC LIMIT 20")).all()
    try:
        current_store().settle(latest)
    except StoreAwayError as error:
        raise SystemExit(f"The database is up to date, but {error}") from error


if context.is_offline_mode():
    raise SystemExit("Offline migration is not supported: the application's database must be reachable.")
run()
