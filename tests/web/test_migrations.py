"""The migrations create exactly the models' tables, on either database, and can be undone."""

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import CheckConstraint, inspect, text

from tests.conftest import World
from tests.web.helpers import stored_case
from tests.web.reading import decide, take
from tests.web.rows import fill_empty, keys
from webapp.core.extensions import db
from webapp.models import Role
from webapp.models.case import reference_key

OURS = {table.name for table in db.metadata.sorted_tables}


@pytest.fixture
def from_nothing(app: Flask) -> Iterator[None]:
    """An application context on a database without tables, which is upgraded again afterwards."""
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


def test_the_migrated_checks_are_those_of_the_models(app: Flask) -> None:
    """Alembic does not compare these."""
    with app.app_context():
        inspector = inspect(db.engine)
        for table in db.metadata.sorted_tables:
            wanted = {str(check.name) for check in table.constraints if isinstance(check, CheckConstraint)}
            assert {check["name"] for check in inspector.get_check_constraints(table.name)} == wanted


@pytest.mark.usefixtures("from_nothing")
def test_each_revision_down_and_up_with_rows_in_every_table(app: Flask) -> None:
    """Rows of tables that exist in the previous revision survive; those of new tables may be gone."""
    script = ScriptDirectory(app.extensions["migrate"].directory)
    before = "base"
    for revision in reversed([step.revision for step in script.walk_revisions()]):
        upgrade(revision=revision)
        with db.engine.begin() as connection:
            fill_empty(connection)
            filled = keys(connection)
        assert all(filled.values()), f"a table is empty at {revision}"
        downgrade(revision=before)
        with db.engine.connect() as connection:
            older = keys(connection)
        left = {table: {key[: _width(older[table])] for key in filled[table]} for table in older}
        assert older == left, f"the way down from {revision}"
        upgrade(revision=revision)
        with db.engine.connect() as connection:
            again = keys(connection)
        found = {table: {key[: _width(older[table])] for key in again[table]} for table in older}
        if "audit_event" in found:  # a migration may record what it did, and does no more to the trail than that
            assert found["audit_event"] >= older["audit_event"]
            found["audit_event"] = older["audit_event"]
        assert found == older, f"the way up to {revision}"
        before = revision
    assert set(filled) == OURS
    assert differences() == []


def _width(keys: set[tuple[object, ...]]) -> int:
    """Of a primary key, to which a later revision may have added a column at the end."""
    return len(next(iter(keys)))


def test_no_later_migration_breaks_a_seal(app: Flask, world: World, sign_in) -> None:
    """One that changes what stored rows say seals them anew, with `webapp.audit.resealing`."""
    number = world.case(world.user(Role.GP))
    world.analyse(number)
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    decide(reader, number)
    with app.app_context():
        for revision in ("0030", "0029"):
            downgrade(revision=revision)
            upgrade()
            assert app.test_cli_runner().invoke(args=["verify-records"]).output.startswith("Every record"), revision


@pytest.mark.usefixtures("from_nothing")
def test_down_to_nothing_and_up_again() -> None:
    assert not tables() & OURS
    upgrade()
    assert tables() >= OURS
    assert differences() == []
    upgrade()
    assert differences() == []


def test_rows_survive_the_way_down_to_the_second_revision_and_up_again(app: Flask, world: World, sign_in) -> None:
    """SQLite copies a table to alter it: rows that refer to the old one must neither prevent that nor be lost."""
    number = world.case(world.user(Role.GP))
    world.analyse(number)
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    decide(reader, number)
    with app.app_context():
        downgrade(revision="0002")
        upgrade()
        assert differences() == []
    with stored_case(app, number) as case:
        assert [len(rows) for rows in (case.claims, case.reviews, case.images)] == [1, 1, 1]
        if db.engine.dialect.name == "sqlite":
            assert db.session.scalar(text("PRAGMA foreign_keys")) == 1


def test_references_are_compared_as_the_program_compares_them(app: Flask, world: World) -> None:
    """Revision 0030: keys that an earlier version wrote."""
    spelt = "ＰＣ – 7  Älter"
    number = world.case(world.user(Role.GP), patient_reference=spelt)
    with app.app_context():
        downgrade(revision="0029_site")
        with db.engine.connect() as connection:
            assert connection.scalar(text("SELECT reference_key FROM case_file")) == spelt.casefold()
        upgrade()
    with stored_case(app, number) as case:
        assert case.reference_key == reference_key(spelt) == "pc-7 älter"
        assert case.reference_reversed == case.reference_key[::-1]
