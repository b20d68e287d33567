"""Alembic's entry: the application's own engine and tables. Always run through the Flask command or app.py."""

from alembic import context
from flask import current_app

from webapp.extensions import db
from webapp.models.base import UtcDateTime


def render_item(kind: str, item: object, _autogen: object) -> str | bool:
    """Migrations name plain SQL types, never the application's classes, which may change later."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def run() -> None:
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=True,  # SQLite alters a table by copying it
            compare_type=True,
            render_item=render_item,
        )
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    raise SystemExit("Offline migration is not supported: the application's database must be reachable.")
run()
