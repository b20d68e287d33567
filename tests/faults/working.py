"""A worker inside the test's own process, time that passes without waiting, and what must hold once work is done."""

from datetime import timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import select, update

from tests.unit.work import stored_case
from tests.web.helpers import in_force, objects_in
from webapp.analysis import leases
from webapp.analysis.runner import run_analysis
from webapp.core.config import settings_of
from webapp.core.database import reading, transaction
from webapp.models import Analysis, AnalysisState, Case, Finding, Image, utcnow
from webapp.storage.store import store_of

LONG = timedelta(hours=1)
WAITING = (AnalysisState.QUEUED, AnalysisState.RUNNING)
ROUNDS = 20


def work_off(app: Flask) -> None:
    """Process messages until there are none, as a worker does."""
    queue = app.extensions["queue"]
    queue.handler = run_analysis
    assert queue.analyse.name  # registered, so that messages can be read back
    while (task := queue.huey.dequeue()) is not None:
        queue.huey.execute(task)


def let_time_pass(app: Flask) -> None:
    """As if an hour had passed: leases have expired, and what was delayed is due."""
    then = utcnow() - LONG
    with app.app_context(), transaction() as session:
        waiting = update(Analysis).where(Analysis.state.in_(WAITING))
        session.execute(waiting.values(queued_at=then))
        session.execute(waiting.where(Analysis.lease_until.is_not(None)).values(lease_until=then))
        failed = update(Analysis).where(Analysis.state == AnalysisState.FAILED)
        session.execute(failed.values(finished_at=then))
    huey = app.extensions["queue"].huey
    for task in huey.read_schedule(utcnow() + LONG):
        task.eta = None
        huey.enqueue(task)


def sweep(app: Flask) -> int:
    with app.app_context(), transaction():
        return leases.sweep()


def until_quiet(app: Flask) -> None:
    """Sweep and work, as a restarted worker does, until nothing is waiting."""
    for _ in range(ROUNDS):
        let_time_pass(app)
        sweep(app)
        work_off(app)
        if not waiting(app):
            return
    raise AssertionError("it never came to rest")


def waiting(app: Flask) -> list[int]:
    """Ids of the analyses that are queued or running."""
    with app.app_context(), reading() as session:
        return list(session.scalars(select(Analysis.id).where(Analysis.state.in_(WAITING))))


def assert_analysed_once(app: Flask, number: str, images: int, targets: set[str]) -> None:
    """Each image of an open case has one result in force, with each finding once, and the case has its place."""
    with stored_case(app, number) as case:
        assert case.is_open
        assert len(case.images) == images
        for image in case.images:
            (analysis,) = [analysis for analysis in image.analyses if analysis.is_current]
            assert analysis.state is AnalysisState.DONE
            assert (analysis.lease_owner, analysis.lease_until) == (None, None)
            assert sorted(finding.target for finding in analysis.findings) == sorted(targets)
        given = [in_force(image).bcc_probability for image in case.images]
        assert case.bcc_probability == max(probability for probability in given if probability is not None)
        assert None not in given


def targets_of(app: Flask) -> set[str]:
    """The targets in the model's result."""
    with app.app_context(), reading() as session:
        return set(session.scalars(select(Finding.target)))


SIZES = 3
"""Objects of one image: the image itself, its preview and its thumbnail."""


def named_objects(app: Flask) -> set[str]:
    """Keys named by rows; each object must exist and be intact."""
    store = store_of(app)
    with app.app_context(), reading() as session:
        columns = (Image.key, Image.thumbnail_key, Image.preview_key, Finding.heatmap_key)
        keys = {key for column in columns for key in session.scalars(select(column)) if key}
    for key in keys:
        assert store.get(key)
    return keys


def unnamed_files(app: Flask) -> set[Path]:
    """Files in the store that no row names, left by a process killed before its commit."""
    folder: Path = settings_of(app).instance_dir / "images"
    named = named_objects(app)
    return {path for path in objects_in(folder) if path.name not in named}


def numbers(app: Flask, token: str) -> list[str]:
    """Numbers of the cases made from one form."""
    with app.app_context(), reading() as session:
        return list(session.scalars(select(Case.number).where(Case.submission_token == token)))
