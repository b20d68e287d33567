"""Hooks after a commit or a rollback belong to that transaction only."""

import io
import uuid
from unittest.mock import Mock

import pytest
from flask import Flask
from sqlalchemy import PoolProxiedConnection

from tests.conftest import World, outcome
from tests.images import jpeg
from tests.web.helpers import actions, count, filled_in, send, stored_files
from webapp import audit
from webapp.analysis import runner
from webapp.core.config import Settings
from webapp.core.database import after_commit, after_rollback, reading, transaction
from webapp.core.extensions import db
from webapp.models import Analysis, Finding, Role, User
from webapp.storage.store import ImageStore


@pytest.fixture
def calls() -> Mock:
    return Mock()


def test_after_a_commit(app: Flask, calls: Mock) -> None:
    with app.app_context(), transaction():
        after_commit(calls.commit)
        after_rollback(calls.rollback)
        calls.assert_not_called()
    assert [call[0] for call in calls.mock_calls] == ["commit"]


def test_after_a_rollback(app: Flask, calls: Mock) -> None:
    with app.app_context():
        after_commit(calls.commit)
        after_rollback(calls.rollback)
        db.session.rollback()
    assert [call[0] for call in calls.mock_calls] == ["rollback"]


def test_a_savepoint_counts_for_nothing(app: Flask, calls: Mock) -> None:
    with app.app_context(), transaction() as session:
        after_commit(calls.commit)
        after_rollback(calls.rollback)
        session.begin_nested().rollback()
        session.begin_nested().commit()
        calls.assert_not_called()
    assert [call[0] for call in calls.mock_calls] == ["commit"]


def test_what_a_failed_savepoint_asked_for_is_not_done(app: Flask, calls: Mock) -> None:
    with app.app_context(), transaction() as session:
        with session.begin_nested():
            after_commit(calls.kept)
        failing = session.begin_nested()
        after_commit(calls.dropped)
        failing.rollback()
    assert [call[0] for call in calls.mock_calls] == ["kept"]


def test_a_later_transaction_of_the_session_counts_for_nothing(app: Flask, calls: Mock) -> None:
    with app.app_context():
        after_commit(calls.commit)
        after_rollback(calls.rollback)
        db.session.commit()
        db.session.begin()
        db.session.rollback()
        db.session.begin()
        db.session.commit()
    assert [call[0] for call in calls.mock_calls] == ["commit"]


def test_an_error_after_the_commit_keeps_the_images(
    app: Flask, settings: Settings, world: World, sign_in, monkeypatch
) -> None:
    gp = sign_in(world.user(Role.GP))
    form = {"csrf_token": gp.token("/cases/new"), **filled_in(), "images": [(io.BytesIO(jpeg()), "a.jpg")]}
    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(app.session_interface, "save_session", Mock(side_effect=RuntimeError("a bug")))
    gp.post("/cases/new", data=form)
    assert count(app) == 1
    assert len(stored_files(settings)) == 3


def test_a_commit_whose_answer_is_lost_keeps_the_images(
    app: Flask, settings: Settings, world: World, sign_in, monkeypatch
) -> None:
    """The database stores the case but goes down before confirming: the images must not be deleted."""
    gp = sign_in(world.user(Role.GP))
    form = {"csrf_token": gp.token("/cases/new"), **filled_in()}
    app.config["PROPAGATE_EXCEPTIONS"] = False
    with app.app_context():
        dialect = db.engine.dialect
    stored = dialect.do_commit

    def unheard(connection: PoolProxiedConnection) -> None:
        stored(connection)
        raise dialect.loaded_dbapi.OperationalError("the connection is lost")

    with monkeypatch.context() as patch:
        patch.setattr(dialect, "do_commit", unheard)
        patch.setattr(dialect, "is_disconnect", lambda *_: True)
        answer = gp.post("/cases/new", data={**form, "images": [(io.BytesIO(jpeg()), "a.jpg")]})
    assert answer.status_code == 503
    assert (count(app), len(stored_files(settings))) == (1, 3)
    again = gp.post("/cases/new", data={**form, "images": [(io.BytesIO(jpeg()), "a.jpg")]})
    assert again.status_code == 302
    assert (count(app), len(stored_files(settings))) == (1, 3)


def test_no_lock_is_held_while_the_store_answers(
    app: Flask, settings: Settings, world: World, sign_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Objects come before the transaction that names them: a case, something added to it, a worker's heatmaps."""
    held, own = [], ImageStore.put

    def put(store: ImageStore, data: bytes) -> str:
        held.append(db.session().in_transaction())
        return own(store, data)

    monkeypatch.setattr(ImageStore, "put", put)
    gp = sign_in(world.user(Role.GP))
    number = send(gp).location.rsplit("/", 1)[1]
    assert held == [False] * 3
    more = {"token": str(uuid.uuid4()), "note": "", "send_anyway": "x", "images": [(io.BytesIO(jpeg(seed=5)), "b.jpg")]}
    assert gp.submit(f"/cases/{number}/additions", more, page=f"/cases/{number}").status_code == 302
    assert held == [False] * 6
    with app.app_context():
        monkeypatch.setattr(runner, "_results", lambda ids, *_: {one: outcome(0.9) for one in ids})
        with reading() as session:
            first = session.query(Analysis).first().id
        runner.run_analysis(first)
    assert len(held) > 6
    assert not any(held)
    assert count(app, Finding) > 0


def test_what_no_row_names_goes_again(app: Flask, settings: Settings, world: World, sign_in) -> None:
    """A form sent twice stores its images twice, until the second turns out to be the same."""
    gp = sign_in(world.user(Role.GP))
    token = str(uuid.uuid4())
    assert send(gp, submission_token=token).status_code == 302
    before = stored_files(settings)
    assert send(gp, submission_token=token).status_code == 302
    assert send(gp, submission_token=token, history="Other words.").status_code == 422
    assert stored_files(settings) == before
    assert len(before) == 3


@pytest.mark.parametrize(
    ("status", "stored"),
    [(200, True), (201, True), (302, True)] + [(code, False) for code in (400, 401, 404, 409, 422, 429, 500, 503)],
)
def test_only_a_success_is_stored(app: Flask, world: World, sign_in, status: int, stored: bool) -> None:
    """A request that changes a row and then responds with an error stores nothing, not even its audit row."""
    email = world.user(Role.GP)
    client, before = sign_in(email), actions(app)

    def view() -> tuple[str, int]:
        user = db.session.query(User).filter_by(email=email).one()
        user.name = "Test Changed"
        audit.record(user, "account.changed", user)
        return "", status

    token = client.token("/profile")
    app.view_functions["cases.new"] = view
    assert client.post("/cases/new", data={"csrf_token": token}).status_code == status
    with app.app_context(), reading() as session:
        assert (session.query(User).filter_by(email=email).one().name == "Test Changed") is stored
    assert actions(app) == [*before, *(["account.changed"] if stored else [])]
