"""The service status page: says in plain words what is working, what is waiting, and what is broken."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import update

from tests.conftest import World, outcome
from tests.web.helpers import count, counted_queries, words
from tests.web_client import CheckedClient
from webapp.analysis import workers
from webapp.core.database import reading, transaction
from webapp.models import Analysis, AnalysisState, FailureReason, Image, Role, Worker, utcnow
from webapp.storage.local import LocalFolder
from webapp.storage.store import store_of

SHA = "f" * 64


def at_work(app: Flask, name: str = "machine:1", seen_at: datetime | None = None) -> None:
    with app.app_context(), transaction() as session:
        workers.note_model(name, "test-model", SHA, outcome(0.2).card)
        if seen_at:
            session.execute(update(Worker).where(Worker.name == name).values(seen_at=seen_at))


def check(admin: CheckedClient, title: str) -> str:
    """What the page says under this title, including the state."""
    items = re.findall(r'<li class="check .*?</li>', admin.get("/admin/service").text, re.DOTALL)
    (said,) = [said for said in map(words, items) if said.startswith(title)]
    return said


def test_a_worker_that_lives_and_its_model(app: Flask, admin: CheckedClient) -> None:
    at_work(app)
    assert check(admin, "Worker").startswith("Worker Working 1 worker running")
    assert "test-model is loaded" in check(admin, "Model")
    assert SHA in check(admin, "Model")


def test_no_worker_was_ever_there(admin: CheckedClient) -> None:
    assert check(admin, "Worker").startswith("Worker Not working No worker has been seen yet.")
    assert check(admin, "Model").startswith("Model Needs attention")


def test_a_silent_worker_is_named_with_what_to_do(app: Flask, admin: CheckedClient) -> None:
    at_work(app, seen_at=utcnow() - timedelta(minutes=4))
    said = check(admin, "Worker")
    assert said.startswith("Worker Not working No worker has been seen for 4 min")
    assert "flask --app wsgi worker" in said


def test_a_worker_of_another_release_is_named(app: Flask, admin: CheckedClient) -> None:
    at_work(app)
    with app.app_context(), transaction() as session:
        session.execute(update(Worker).values(release="0.0.1"))
    said = check(admin, "Worker")
    assert said.startswith("Worker Needs attention A worker of another release (0.0.1; this is")
    assert "takes no new work. Restart it." in said


def test_one_of_two_workers_is_gone(app: Flask, admin: CheckedClient) -> None:
    at_work(app, "machine:1", utcnow() - timedelta(minutes=4))
    at_work(app, "machine:2")
    assert "1 worker running" in check(admin, "Worker")


def test_a_model_that_could_not_be_loaded(app: Flask, admin: CheckedClient) -> None:
    with app.app_context(), transaction():
        workers.note_no_model("machine:1", "There are no readable weights at <folder>.")
    said = check(admin, "Model")
    assert said.startswith("Model Not working")
    assert "There are no readable weights at &lt;folder&gt;." in said
    at_work(app)
    assert check(admin, "Model").startswith("Model Working")


def test_nothing_waits_and_nothing_failed(admin: CheckedClient) -> None:
    assert "No images are waiting" in check(admin, "Waiting analyses")
    assert "Working" in check(admin, "Failed analyses")


@pytest.mark.parametrize(("age", "state"), [(timedelta(minutes=2), "Working"), (timedelta(hours=3), "Needs attention")])
def test_the_oldest_waiting_image(app: Flask, world: World, admin: CheckedClient, age: timedelta, state: str) -> None:
    world.case(world.user(Role.GP), images=2)
    with app.app_context(), transaction() as session:
        session.execute(update(Image).where(Image.position == 1).values(stored_at=utcnow() - age))
    said = check(admin, "Waiting analyses")
    assert state in said
    assert "2 images without a result" in said
    assert ("2 min ago" if state == "Working" else "3 h ago") in said


def test_failures_of_the_last_days_by_reason(app: Flask, world: World, admin: CheckedClient) -> None:
    gp = world.user(Role.GP)
    for _ in range(3):
        world.case(gp)
    with app.app_context(), transaction() as session:
        first, second, old = session.query(Analysis).order_by(Analysis.id)
        for analysis in (first, second, old):
            analysis.state, analysis.failure = AnalysisState.FAILED, FailureReason.TIMED_OUT
            analysis.finished_at = utcnow()
        old.finished_at = utcnow() - timedelta(days=8)
    said = check(admin, "Failed analyses")
    assert "2 analyses of open cases failed" in said
    assert f"2 ×: {FailureReason.TIMED_OUT.sentence}" in said


def test_a_queue_that_does_not_answer(app: Flask, admin: CheckedClient, monkeypatch) -> None:
    assert "Working The queue is an SQLite file on this machine; 0 messages" in check(admin, "Queue")

    def down() -> int:
        raise ConnectionError

    monkeypatch.setattr("webapp.analysis.queue.pending_count", down)
    assert "Not working" in check(admin, "Queue")
    assert "No upload is lost" in check(admin, "Queue")


@pytest.mark.parametrize(
    ("free", "state"), [(400 * 10**9, "Working"), (60 * 10**9, "Needs attention"), (4 * 10**9, "Needs attention")]
)
def test_the_disk(app: Flask, admin: CheckedClient, monkeypatch, free: int, state: str) -> None:
    monkeypatch.setattr(store_of(app).blobs, "space", lambda: (free, 1000 * 10**9))
    assert f"Disk {state} {free / 1e9:.1f} GB of 1000.0 GB free" in check(admin, "Disk")


def test_a_folder_knows_its_disk_before_the_first_image(tmp_path: Path) -> None:
    free, total = LocalFolder(tmp_path / "not" / "there").space()
    assert 0 < free < total


def test_an_object_store_tells_of_no_disk(app: Flask, admin: CheckedClient, monkeypatch) -> None:
    monkeypatch.setattr(store_of(app).blobs, "space", lambda: None)
    assert "does not report free space" in check(admin, "Disk")


def test_the_number_of_queries_does_not_grow(app: Flask, world: World, admin: CheckedClient) -> None:
    def queries() -> int:
        with counted_queries(app) as statements:
            admin.get("/admin/service")
        return len(statements)

    at_work(app)
    few = queries()
    gp = world.user(Role.GP)
    for number in range(5):
        world.case(gp, images=2)
        at_work(app, f"machine:{number}")
    assert queries() == few <= 10


def test_workers_long_gone_are_forgotten(app: Flask) -> None:
    at_work(app, "machine:1", utcnow() - timedelta(days=2))
    at_work(app, "machine:2")
    assert count(app, Worker) == 1


def test_a_sign_of_life_keeps_start_and_model(app: Flask) -> None:
    at_work(app, seen_at=utcnow() - timedelta(minutes=1))
    with app.app_context():
        with transaction():
            workers.beat("machine:1")
        with reading() as session:
            worker = session.query(Worker).one()
            assert worker.seen_at > utcnow() - timedelta(seconds=30)
            assert worker.model_version.weights_sha256 == SHA


def test_the_shipped_model_is_noted_when_a_worker_loads_it(app: Flask, settings) -> None:
    from ml.bundle import read_card
    from webapp.analysis import runner

    with app.app_context():
        with transaction():
            assert runner.warm_up(settings.model_copy(update={"model_bundle": None}), "machine:1")
        with reading() as session:
            assert session.query(Worker).one().model_version.reference == read_card().reference


def test_the_missing_bundle_is_named(app: Flask, settings, tmp_path: Path) -> None:
    from webapp.analysis import runner

    with app.app_context():
        with transaction():
            assert not runner.warm_up(settings.model_copy(update={"model_bundle": tmp_path}), "machine:1")
        with reading() as session:
            assert str(tmp_path) in session.query(Worker).one().model_error
