"""A worker killed without warning loses no case and duplicates no result."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.conftest import World, make_settings
from tests.faults.processes import kill, wait_until, worker
from tests.unit.work import analysis_ids, change, stored_case, submitted
from webapp.analysis import leases
from webapp.core.config import Settings, settings_of
from webapp.core.database import reading, transaction
from webapp.core.extensions import db
from webapp.models import Analysis, AnalysisState, Finding, utcnow


@pytest.fixture
def settings(instance: Path) -> Settings:
    return make_settings(instance, analysis_attempts=2, storage_url=f"file://{instance}/images")


def states() -> list[AnalysisState]:
    return list(db.session.scalars(select(Analysis.state)))


def attempts() -> int:
    return db.session.scalars(select(Analysis.attempts)).one()


@contextmanager
def endless_reading(app: Flask, number: str) -> Iterator[None]:
    """Meanwhile the case's image is a pipe: a worker that begins its analysis stays in the middle of it."""
    with stored_case(app, number) as case:
        (path,) = settings_of(app).instance_dir.rglob(case.images[0].key)
    whole = path.rename(path.with_suffix(".whole"))
    os.mkfifo(path)
    try:
        yield
    finally:
        whole.replace(path)


def begin_and_kill(app: Flask, attempt: int) -> None:
    """Kill a worker that has begun the attempt."""
    with worker(app) as process:
        wait_until(app, lambda: attempts() == attempt and states() == [AnalysisState.RUNNING])
        kill(process)


def let_the_lease_run_out(app: Flask, number: str) -> None:
    """As if the time had passed."""
    (analysis_id,) = analysis_ids(app, number)
    change(app, analysis_id, lease_until=utcnow() - timedelta(seconds=1))


def nothing_under_way(app: Flask) -> bool:
    huey = app.extensions["queue"].huey
    return huey.pending_count() == huey.scheduled_count() == 0


@pytest.mark.control("H3.2")
def test_a_worker_killed_during_an_analysis_leaves_exactly_one_result(app: Flask, world: World) -> None:
    number = submitted(world)
    with endless_reading(app, number):
        begin_and_kill(app, 1)
    with app.app_context(), reading():
        assert states() == [AnalysisState.RUNNING], "it was not killed in the middle of its work"
    let_the_lease_run_out(app, number)

    with worker(app):
        wait_until(app, lambda: states() == [AnalysisState.DONE])
        wait_until(app, lambda: nothing_under_way(app))  # a worker finishes what it has fetched before it stops

    with app.app_context(), reading() as session:
        analysis = session.scalars(select(Analysis)).one()
        assert (analysis.state, analysis.attempts) == (AnalysisState.DONE, 2)
        assert session.scalar(select(func.count()).select_from(Finding).where(Finding.target == "BCC")) == 1
    with stored_case(app, number) as case:
        assert case.is_open
        assert case.bcc_probability is not None


@pytest.mark.control("H1.1")
def test_a_case_whose_analysis_never_survives_ends_at_the_top(app: Flask, world: World) -> None:
    number = submitted(world)
    with endless_reading(app, number):
        for attempt in (1, 2):
            begin_and_kill(app, attempt)
            let_the_lease_run_out(app, number)
    with app.app_context(), transaction():
        assert leases.sweep() == 1
    with app.app_context(), reading():
        assert states() == [AnalysisState.FAILED]
    with stored_case(app, number) as case:
        assert case.needs_person
        assert case.rank == 2.0
        assert case.is_open
