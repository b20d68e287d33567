"""Alembic's entry: the application's own engine and tables. Always run through the Flask command or app.py."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from webapp.core.extensions import db
from webapp.core.orm import UtcDateTime


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


if context.is_offline_mode():
    raise SystemExit("Offline migration is not supported: the application's database must be reachable.")
run()
