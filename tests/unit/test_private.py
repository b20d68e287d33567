"""The database, its write-ahead log and the folder they lie in are their owner's alone."""

import stat
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import World, make_app
from webapp.core.config import Settings, settings_of
from webapp.core.database import transaction
from webapp.core.extensions import db
from webapp.core.private import keep_private, private_database
from webapp.models import Centre

DATABASE = ["dermtriage.sqlite", "dermtriage.sqlite-shm", "dermtriage.sqlite-wal"]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def modes(folder: Path, names: list[str]) -> list[int]:
    return [mode(folder / name) for name in names]


@pytest.fixture
def folder(app: Flask) -> Path:
    with app.app_context():
        if db.engine.dialect.name != "sqlite":
            pytest.skip("the database is not a file of ours")
    return settings_of(app).instance_dir


def test_nobody_else_reads_the_database(app: Flask, world: World, folder: Path) -> None:
    with app.app_context(), transaction() as session:
        session.add(Centre(name="Test Centre Z"))
        session.flush()
        assert modes(folder, DATABASE) == [0o600] * 3
    assert mode(folder) == 0o700


def test_an_earlier_installation_is_closed_when_it_starts(app: Flask, settings: Settings, folder: Path) -> None:
    with app.app_context(), db.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
        connection.rollback()
        for name in DATABASE:
            (folder / name).chmod(0o644)
        folder.chmod(0o755)
        again = make_app(Settings(instance_dir=folder, https=False))
        with again.app_context(), db.engine.connect() as other:
            other.exec_driver_sql("SELECT 1")
        with again.app_context():
            db.engine.dispose()
        assert modes(folder, DATABASE) == [0o600] * 3
    assert mode(folder) == 0o700


def test_a_new_database_is_never_open_for_a_moment(tmp_path: Path) -> None:
    private_database(tmp_path / "new.sqlite")
    assert mode(tmp_path / "new.sqlite") == 0o600


def test_the_queue_is_private_too(app: Flask, folder: Path) -> None:
    app.extensions["queue"].huey.pending_count()
    queue = [path for path in folder.iterdir() if path.name.startswith("queue.sqlite")]
    assert queue
    assert {mode(path) for path in queue} == {0o600}


def test_what_is_not_there_is_no_error(tmp_path: Path) -> None:
    keep_private(tmp_path / "nothing")
