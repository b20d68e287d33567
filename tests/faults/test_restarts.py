"""The database or the broker goes down in the middle of the work and comes back. Nobody has to step in."""

import io
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import select
from werkzeug.test import TestResponse

from tests import patience
from tests.conftest import World, make_app, make_settings
from tests.faults.processes import wait_until, worker
from tests.faults.servers import Postgres, Redis
from tests.faults.test_worker_killed import endless_reading
from tests.faults.working import SIZES, named_objects, numbers, unnamed_files
from tests.images import jpeg
from tests.web.helpers import count, filled_in
from tests.web_client import CheckedClient
from webapp.core.config import Settings
from webapp.core.extensions import db
from webapp.models import Analysis, AnalysisState, Role

CRASHES = 10 if os.environ.get("FAULTS") == "all" else 2
TECHNICAL = ("Traceback", "sqlalchemy", "psycopg", "Exception")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Postgres]:
    cluster = Postgres()
    cluster.start()
    yield cluster
    cluster.remove()


@pytest.fixture
def redis() -> Iterator[Redis]:
    redis = Redis()
    redis.start()
    yield redis
    redis.stop()


@pytest.fixture
def broker(request: pytest.FixtureRequest) -> str:
    return getattr(request, "param", "sqlite")


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, cluster: Postgres, broker: str) -> Settings:
    """Short limits and many attempts: a worker that lost the database resumes soon."""
    database = cluster.database()
    settings = make_settings(
        tmp_path / "instance",
        database_url=database.replace("postgresql:", "postgresql+psycopg:"),
        analysis_lease_seconds=1.0,
        analysis_timeout_seconds=3.0,
        analysis_attempts=9,
    )
    if broker == "sqlite":
        return settings
    return settings.model_copy(
        update={"queue_url": database if broker == "postgresql" else request.getfixturevalue("redis").url}
    )


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = make_app(settings)
    app.config["PROPAGATE_EXCEPTIONS"] = False  # as in production
    with app.app_context():
        upgrade()
        db.session.remove()
    yield app
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def restart(server: Postgres | Redis, mode: str = "immediate") -> None:
    server.stop(mode)
    server.start()


def post(client: CheckedClient, form: dict[str, object]) -> TestResponse:
    return client.post("/cases/new", data={**form, "images": [(io.BytesIO(jpeg()), "a.jpg")]})


def all_done() -> bool:
    return set(db.session.scalars(select(Analysis.state))) == {AnalysisState.DONE}


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_pages_during_an_outage_and_after_it(app: Flask, cluster: Postgres, world: World, sign_in, mode: str) -> None:
    gp = sign_in(world.user(Role.GP))
    form = {"csrf_token": gp.token("/cases/new"), **filled_in()}
    cluster.stop(mode)
    try:
        for response in (gp.get("/cases/"), gp.get("/healthz"), gp.get("/login"), post(gp, form)):
            assert response.status_code == 503
            assert "The database is temporarily unavailable" in response.text
            assert "Nothing was saved" in response.text
            assert not any(word in response.text for word in TECHNICAL)
    finally:
        cluster.start()
    assert gp.get("/cases/").status_code == 200, "nobody has to sign in again"
    assert count(app) == 0
    assert post(gp, form).status_code == 302
    assert count(app) == 1
    assert len(named_objects(app)) == SIZES
    assert not unnamed_files(app)


def test_forms_sent_while_the_database_crashes_again_and_again(
    app: Flask, cluster: Postgres, world: World, sign_in
) -> None:
    """Each gets a proper response; sent again until accepted, it makes one case with its images."""
    gp = sign_in(world.user(Role.GP))
    forms = [{"csrf_token": gp.token("/cases/new"), **filled_in()} for _ in range(4)]
    answers, stop = set[int](), threading.Event()

    def send_on() -> None:
        while not stop.is_set():
            for form in forms:
                answers.add(post(gp, form).status_code)

    sender = threading.Thread(target=send_on)
    sender.start()
    try:
        for _ in range(CRASHES):
            patience.wait_until(lambda: 302 in answers)
            answers.discard(302)
            restart(cluster)
    finally:
        stop.set()
        sender.join()
    assert answers <= {302, 503}
    for form in forms:
        assert post(gp, form).status_code == 302
        assert len(numbers(app, str(form["submission_token"]))) == 1
    assert count(app) == len(forms)
    assert len(named_objects(app)) == SIZES * len(forms)


@pytest.mark.parametrize("broker", ["sqlite", "postgresql"], indirect=True)
def test_a_worker_outlives_a_restart(app: Flask, cluster: Postgres, world: World) -> None:
    """Once in the middle of an analysis, once while idle."""
    gp = world.user(Role.GP)
    number = world.case(gp)
    with worker(app) as process:
        with endless_reading(app, number):
            wait_until(app, lambda: set(db.session.scalars(select(Analysis.state))) == {AnalysisState.RUNNING})
            restart(cluster)
        wait_until(app, all_done)
        restart(cluster, "fast")
        world.case(gp)
        wait_until(app, all_done)
        assert process.poll() is None
    assert named_objects(app)


@pytest.mark.parametrize("broker", ["redis"], indirect=True)
def test_redis_forgets_its_queue(app: Flask, world: World, redis: Redis) -> None:
    """Its messages are lost; the sweep resends all, and a running worker carries on."""
    gp = world.user(Role.GP)
    numbers = [world.case(gp) for _ in range(3)]
    queue = app.extensions["queue"].huey
    assert queue.pending_count() == len(numbers)
    restart(redis)
    assert queue.pending_count() == 0
    with worker(app) as process:
        wait_until(app, all_done)
        restart(redis)
        world.case(gp)
        wait_until(app, all_done)
        assert process.poll() is None
