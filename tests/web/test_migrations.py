"""The migrations make exactly the tables of the models, on either database, and can be taken back."""

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from webapp.extensions import db

OURS = {table.name for table in db.metadata.sorted_tables}


@pytest.fixture
def from_nothing(app: Flask) -> Iterator[None]:
    """An application context on a database without tables; brought up to date again afterwards."""
    with app.app_context():
        downgrade(revision="base")
        yield
        upgrade()


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def differences() -> list[object]:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return [change for change in compare_metadata(context, db.metadata) if not _foreign(change)]


def _foreign(change: object) -> bool:
    """The queue may live in the same PostgreSQL database; its tables are not ours."""
    return isinstance(change, tuple) and change[0] in ("remove_table", "remove_index")


def test_there_is_one_head(app: Flask) -> None:
    assert len(ScriptDirectory(app.extensions["migrate"].directory).get_heads()) == 1


def test_the_migrated_tables_are_the_models(app: Flask) -> None:
    with app.app_context():
        assert differences() == []
        assert tables() >= OURS


@pytest.mark.usefixtures("from_nothing")
def test_down_to_nothing_and_up_again() -> None:
    assert not tables() & OURS
    upgrade()
    assert tables() >= OURS
    assert differences() == []
    upgrade()
    assert differences() == []
