"""When something fails, the page says so in words and nothing is stored by halves."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import Mock

import pytest
from flask import Flask, request
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import Conflict, ServiceUnavailable, TooManyRequests

from tests.conftest import World
from tests.images import jpeg
from tests.web.helpers import actions, count, filled_in, send, stored_files
from tests.web_client import CheckedClient
from webapp.core.config import Settings
from webapp.core.extensions import db
from webapp.models import Case, Role
from webapp.storage.errors import StoreAwayError
from webapp.storage.store import store_of

TECHNICAL = ("Traceback", "sqlalchemy", "werkzeug", "Error:", "Exception")


@pytest.fixture
def gp(app: Flask, world: World, sign_in) -> CheckedClient:
    client = sign_in(world.user(Role.GP))
    app.config["PROPAGATE_EXCEPTIONS"] = False  # as in production
    return client


def assert_plain_words(response, code: int, sentence: str) -> None:
    assert response.status_code == code
    assert sentence in response.text
    assert f"Error {code}" in response.text
    assert not any(word in response.text for word in TECHNICAL)


def test_no_such_page(gp: CheckedClient, client: CheckedClient) -> None:
    for browser in (gp, client):
        assert_plain_words(browser.get("/nowhere"), 404, "This page or case does not exist")
    assert_plain_words(gp.get("/cases/DT-NOTHING"), 404, "This page or case does not exist")


def test_no_such_method(gp: CheckedClient) -> None:
    assert_plain_words(gp.get("/cases/DT-NOTHING/close"), 405, "Nothing was changed. Go back and try again.")


def test_an_error_keeps_its_headers(app: Flask, gp: CheckedClient) -> None:
    """What may be called, when to come back: for programs, beside the words for people."""
    assert set(gp.get("/cases/DT-NOTHING/close").headers["Allow"].split(", ")) == {"OPTIONS", "POST"}
    brings = {
        "conflict": Conflict(),
        "busy": ServiceUnavailable(retry_after=7),
        "often": TooManyRequests(retry_after=9),
    }

    def view() -> str:
        raise brings[request.args["which"]]

    app.view_functions["help.page"] = view
    found = {which: gp.get(f"/help?which={which}") for which in brings}
    assert {name: answer.status_code for name, answer in found.items()} == {"conflict": 409, "busy": 503, "often": 429}
    assert {name: answer.headers.get("Retry-After") for name, answer in found.items()} == {
        "conflict": None,
        "busy": "7",
        "often": "9",
    }
    assert all(answer.headers["Content-Type"] == "text/html; charset=utf-8" for answer in found.values())


def test_what_is_unavailable_says_when_to_come_back(app: Flask, gp: CheckedClient) -> None:
    with app.app_context():
        engine = db.engine
    with broken(engine, "before_cursor_execute"):
        answer = gp.get("/cases/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "60")


def test_not_your_role(gp: CheckedClient) -> None:
    assert_plain_words(gp.get("/review/"), 403, "Your role does not allow this")


def test_a_bug_is_our_fault_and_stores_nothing(app: Flask, settings: Settings, gp: CheckedClient, monkeypatch) -> None:
    """Auditing is the last step of a submission: everything before it must be undone."""
    monkeypatch.setattr("webapp.audit.record", Mock(side_effect=RuntimeError("a bug")))
    assert_plain_words(send(gp), 500, "Something went wrong")
    assert count(app) == 0
    assert stored_files(settings) == set()


@contextmanager
def broken(target: object, moment: str) -> Iterator[None]:
    """Every ``moment`` of a session or engine fails, as when the database is full or down."""

    def fail(*_: object) -> None:
        raise OperationalError("SQL", {}, Exception("the database is not well"))

    event.listen(target, moment, fail)
    try:
        yield
    finally:
        event.remove(target, moment, fail)


def test_a_commit_that_fails_leaves_no_file(app: Flask, settings: Settings, gp: CheckedClient) -> None:
    form = {"csrf_token": gp.token("/cases/new"), **filled_in(), "images": [(io.BytesIO(jpeg()), "a.jpg")]}
    with broken(db.session, "before_commit"):
        assert_plain_words(gp.post("/cases/new", data=form), 503, "The database is temporarily unavailable")
    assert count(app) == 0
    assert stored_files(settings) == set()
    assert send(gp).status_code == 302, "and the next try works"


def test_a_statement_that_fails_leaves_no_file(app: Flask, settings: Settings, gp: CheckedClient) -> None:
    form = {"csrf_token": gp.token("/cases/new"), **filled_in(), "images": [(io.BytesIO(jpeg()), "a.jpg")]}

    def refuse_images(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO image"):
            raise OperationalError("SQL", {}, Exception("the database is full"))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", refuse_images)
    try:
        assert_plain_words(gp.post("/cases/new", data=form), 503, "The database is temporarily unavailable")
    finally:
        event.remove(engine, "before_cursor_execute", refuse_images)
    assert count(app) == 0
    assert stored_files(settings) == set()


def test_a_database_that_is_away_still_gives_a_page(app: Flask, gp: CheckedClient) -> None:
    with app.app_context():
        engine = db.engine
    with broken(engine, "before_cursor_execute"):
        assert_plain_words(gp.get("/cases/"), 503, "The database is temporarily unavailable")
    assert gp.get("/cases/").status_code == 200


def test_a_full_disk_stores_nothing(app: Flask, settings: Settings, gp: CheckedClient, monkeypatch) -> None:
    store = store_of(app)
    first = iter([store.blobs.write])

    def full_after_one(key: str, data: bytes) -> None:
        write = next(first, None)
        if write is None:
            raise StoreAwayError("no space left on device")
        write(key, data)

    monkeypatch.setattr(store.blobs, "write", full_after_one)
    response = send(gp)
    assert response.status_code == 503
    assert "The images could not be stored, so nothing was sent." in response.text
    assert count(app) == 0
    assert stored_files(settings) == set()


def test_a_queue_that_is_down_loses_no_case(app: Flask, gp: CheckedClient, monkeypatch) -> None:
    monkeypatch.setattr(app.extensions["queue"].huey, "enqueue", Mock(side_effect=ConnectionError))
    assert send(gp).status_code == 302
    assert count(app, Case) == 1
    assert actions(app) == ["case.submitted"]
