"""Flask-Migrate, loaded when it is first used: Alembic takes a tenth of the start-up time, and no page needs it."""

from typing import Any

import click
from flask import Flask

from webapp.core.config import PROJECT_ROOT
from webapp.core.extensions import db

FOLDER = PROJECT_ROOT / "migrations"


def init_app(app: Flask) -> None:
    app.extensions["migrate"] = _Deferred(app)
    app.cli.add_command(_Command("db", help="Perform database migrations."))


class _Deferred:
    """Stands in for Flask-Migrate in ``app.extensions`` until it is used."""

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __getattr__(self, name: str) -> Any:
        from flask_migrate import Migrate

        Migrate(self._app, db, directory=str(FOLDER), render_as_batch=True)
        return getattr(self._app.extensions["migrate"], name)


class _Command(click.Command):
    """Hands over to Flask-Migrate's own group of commands."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        from flask_migrate.cli import db as group

        return group.make_context(info_name, args, parent, **extra)
