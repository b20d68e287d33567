"""What a supervisor may ask without an account: is the process alive, and is everything it needs there?"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event, text
from sqlalchemy.exc import DatabaseError, OperationalError

from tests import s3
from tests.conftest import make_app
from webapp import create_app
from webapp.core import health
from webapp.core.config import ConfigurationError, Settings
from webapp.core.extensions import db
from webapp.core.version import VERSION
from webapp.storage.local import MARKER
from webapp.storage.store import open_store


@pytest.fixture(autouse=True)
def forgetful(monkeypatch) -> None:
    monkeypatch.setattr(health, "REMEMBERED_SECONDS", -1.0)


@pytest.fixture
def no_database(app: Flask) -> None:
    def refuse(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("postgresql://user:password@host is away"))

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", refuse)


def test_all_is_there(client) -> None:
    assert client.get("/healthz").json == {"status": "ok", "version": VERSION}
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"status": "ready", "failed": []})


def test_without_its_database_the_process_lives_and_is_not_ready(client, no_database) -> None:
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json["failed"]) == (503, ["database", "migrations"])
    assert "password" not in answer.text


def test_neither_asks_who_is_there(client, world, sign_in, no_database) -> None:
    """Nor does it read a session: the response is the same for everybody."""
    assert client.get("/healthz", headers={"Cookie": "dermtriage=anything"}).status_code == 200


def older_database(app: Flask, _settings: Settings) -> None:
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))


def no_queue(app: Flask, _settings: Settings) -> None:
    def down() -> int:
        raise ConnectionError("redis://:password@host")

    app.extensions["queue"].huey.pending_count = down


def no_store(app: Flask, settings: Settings) -> None:
    nowhere = f"s3://bucket?endpoint=http://127.0.0.1:{s3.free_port()}&region=us-east-1"
    app.extensions["image_store"] = open_store(settings.model_copy(update={"storage_url": nowhere}))


def no_mount(_app: Flask, settings: Settings) -> None:
    if not settings.storage_url.startswith("file:"):
        pytest.skip("a bucket is not mounted")
    (settings.instance_dir / "images" / MARKER).unlink()


def damage(app: Flask, settings: Settings) -> None:
    if not settings.database_url.startswith("sqlite"):
        pytest.skip("a server tells of its own accord")
    error = sqlite3.DatabaseError("database disk image is malformed")
    error.sqlite_errorname = "SQLITE_CORRUPT_INDEX"

    def fails(*_: object) -> None:
        event.remove(db.engine, "before_cursor_execute", fails)
        raise error

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", fails)
        with pytest.raises(DatabaseError):
            db.session.execute(text("SELECT 1"))


def other_weights(app: Flask, settings: Settings) -> None:
    from ml.bundle import DEFAULT_BUNDLE

    bundle = settings.instance_dir / "bundle"
    bundle.mkdir()
    (bundle / "card.json").write_bytes((DEFAULT_BUNDLE / "card.json").read_bytes())
    (bundle / "model.onnx").write_bytes(b"not the weights of the card")
    app.extensions["settings"] = settings.model_copy(update={"model_bundle": bundle})


def no_model(app: Flask, settings: Settings) -> None:
    app.extensions["settings"] = settings.model_copy(update={"model_bundle": Path("/nowhere")})


@pytest.mark.parametrize(
    ("spoil", "part"),
    [
        (older_database, "migrations"),
        (no_queue, "queue"),
        (no_store, "store"),
        (no_mount, "store"),
        (damage, "database"),
        (other_weights, "model"),
        (no_model, "model"),
    ],
)
def test_the_failing_part_is_named_and_nothing_else(
    settings: Settings, spoil: Callable[[Flask, Settings], None], part: str
) -> None:
    app = make_app(settings)
    spoil(app, settings)
    answer = app.test_client().get("/readyz")
    assert (answer.status_code, answer.json) == (503, {"status": "not ready", "failed": [part]})
    with app.app_context():
        if db.engine.dialect.name != "sqlite" and part == "migrations":
            with db.engine.begin() as connection:
                connection.execute(text(f"UPDATE alembic_version SET version_num = '{next(iter(health.heads()))}'"))
        db.engine.dispose()


@pytest.mark.parametrize("left", ["nothing", "an empty file"])
def test_a_database_that_is_gone_stops_the_start(settings: Settings, left: str) -> None:
    if not settings.database_url.startswith("sqlite"):
        pytest.skip("a server tells of its own accord")
    file = Path(settings.database_url.removeprefix("sqlite:///"))
    file.unlink()
    if left != "nothing":
        file.touch()
    with pytest.raises(ConfigurationError, match=r"but its images are there\. Restore it from a backup"):
        create_app(settings)
    (settings.instance_dir / "images" / MARKER).unlink()
    create_app(settings)


def test_asking_all_the_time_asks_the_database_rarely(app: Flask, client, monkeypatch) -> None:
    monkeypatch.setattr(health, "REMEMBERED_SECONDS", 1000.0)
    asked = []
    monkeypatch.setitem(app.extensions["readiness_checks"], "database", lambda: asked.append(1))
    for _ in range(5):
        client.get("/readyz")
    assert len(asked) == 1
