"""The same task code on every broker: SQLite always, PostgreSQL and Redis if the environment names one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import World, make_settings, server
from tests.faults.processes import wait_until, worker
from webapp.analysis import queue
from webapp.core.config import Settings
from webapp.core.extensions import db
from webapp.models import Analysis, AnalysisState, Role, Urgency

BROKERS = {"sqlite": None, "postgresql": "TEST_DATABASE_URL", "redis": "TEST_REDIS_URL"}


@pytest.fixture(params=BROKERS)
def settings(request: pytest.FixtureRequest, instance: Path) -> Settings:
    variable = BROKERS[request.param]
    if variable is None:
        return make_settings(instance)
    url = server(variable)
    if not url:
        pytest.skip(f"{variable} names no {request.param} server")
    return make_settings(instance, queue_url=url)


@pytest.fixture
def app(app: Flask) -> Iterator[Flask]:
    huey = app.extensions["queue"].huey
    huey.flush()  # a server keeps messages of earlier tests
    yield app
    huey.storage.close()


def all_done() -> bool:
    return set(db.session.scalars(select(Analysis.state))) == {AnalysisState.DONE}


def test_a_case_is_analysed(app: Flask, world: World) -> None:
    gp = world.user(Role.GP)
    world.case(gp, images=2)
    with worker(app):
        wait_until(app, all_done)
        world.case(gp)  # now the worker is awake and receives it
        wait_until(app, all_done)


def test_urgent_cases_go_first_and_reruns_last(app: Flask, world: World) -> None:
    gp = world.user(Role.GP)
    with app.app_context():
        queue.send_all([(1001, queue.RERUN)])
    world.case(gp)
    world.case(gp, urgency=Urgency.URGENT)
    huey = app.extensions["queue"].huey
    assert app.extensions["queue"].analyse.name  # registered, so that messages can be read back
    order = [huey.dequeue().priority for _ in range(3)]
    assert order == [queue.URGENT, queue.FRESH, queue.RERUN]
