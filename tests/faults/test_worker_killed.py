"""A worker that is killed without warning loses no case and doubles no result."""

import time
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.conftest import World, make_settings
from tests.faults.processes import kill, wait_until, worker
from tests.images import encoded, picture
from webapp.analysis import leases
from webapp.config import Settings
from webapp.database import reading, transaction
from webapp.extensions import db
from webapp.models import Analysis, AnalysisState, Case, Finding, Role

LEASE = 2.0
SLOW_SIDE = 6500
"""Pixels a side of an image that takes long enough to decode that the worker is surely killed in the middle."""


@pytest.fixture
def settings(instance: Path) -> Settings:
    return make_settings(instance, analysis_lease_seconds=LEASE, analysis_attempts=2)


def states() -> list[AnalysisState]:
    return list(db.session.scalars(select(Analysis.state)))


def attempts() -> int:
    return db.session.scalars(select(Analysis.attempts)).one()


def slow_case(app: Flask, world: World) -> str:
    """A case whose one image is large enough to keep the worker busy for a noticeable time."""
    number = world.case(world.user(Role.GP))
    large = encoded(picture(500, 500).resize((SLOW_SIDE, SLOW_SIDE)), "JPEG", quality=95, subsampling=0)
    with app.app_context(), transaction() as session:
        image = session.scalars(select(Case).where(Case.number == number)).one().images[0]
        image.key = app.extensions["image_store"].put(large)
    return number


def test_a_worker_killed_during_an_analysis_leaves_exactly_one_result(app: Flask, world: World) -> None:
    number = slow_case(app, world)
    with worker(app) as first:
        wait_until(app, lambda: states() == [AnalysisState.RUNNING])
        kill(first)
    with app.app_context(), reading():
        assert states() == [AnalysisState.RUNNING], "it was not killed in the middle of its work"

    with worker(app):
        wait_until(app, lambda: states() == [AnalysisState.DONE])
        time.sleep(2 * LEASE)  # a late double run would finish within this time

    with app.app_context(), reading() as session:
        analysis = session.scalars(select(Analysis)).one()
        assert (analysis.state, analysis.attempts) == (AnalysisState.DONE, 2)
        assert session.scalar(select(func.count()).select_from(Finding).where(Finding.target == "BCC")) == 1
        case = session.scalars(select(Case).where(Case.number == number)).one()
        assert case.is_open
        assert case.bcc_probability is not None


def test_a_case_whose_analysis_never_survives_ends_at_the_top(app: Flask, world: World) -> None:
    number = slow_case(app, world)
    for attempt in (1, 2):
        with worker(app) as process:
            wait_until(app, lambda count=attempt: attempts() == count and states() == [AnalysisState.RUNNING])
            kill(process)
    time.sleep(LEASE)
    with app.app_context(), transaction():
        assert leases.sweep() == 1
    with app.app_context(), reading() as session:
        case = session.scalars(select(Case).where(Case.number == number)).one()
        assert states() == [AnalysisState.FAILED]
        assert case.needs_person
        assert case.rank == 0.0
        assert case.is_open
