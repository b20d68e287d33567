"""Two workers, one that hangs, an image that kills its process: each case is analysed or needs a person."""

import os
import signal
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.conftest import World, make_settings
from tests.faults.killing import KILLED, begun, ended, in_child
from tests.faults.processes import wait_until as wait_until_stored
from tests.faults.processes import worker
from tests.faults.test_worker_killed import endless_reading
from tests.faults.working import (
    assert_analysed_once,
    let_time_pass,
    sweep,
    targets_of,
    unnamed_files,
    waiting,
    work_off,
)
from tests.unit.work import analysis_ids, stored_case
from webapp.core.config import settings_of
from webapp.core.database import reading
from webapp.core.extensions import db
from webapp.models import Analysis, AnalysisState, AuditEvent, FailureReason, Role, TriageReason
from webapp.storage.store import store_of

EVERY_STEP = os.environ.get("FAULTS") == "all"
ROUNDS = 60 if EVERY_STEP else 6


@pytest.fixture
def gp(app: Flask, world: World) -> str:
    gp = world.user(Role.GP)
    world.case(gp)
    work_off(app)
    return gp


def test_of_two_workers_one_finishes(app: Flask, world: World, gp: str) -> None:
    """Both get messages for the same analyses at the same time."""
    queue = app.extensions["queue"]

    def told_of_all() -> None:
        for analysis_id in ids:
            queue.huey.execute(queue.analyse.s(analysis_id))

    targets = targets_of(app)
    for _ in range(ROUNDS):
        number = world.case(gp, images=2)
        ids = analysis_ids(app, number)
        children = [begun(app, told_of_all) for _ in range(2)]
        assert [ended(child) for child in children] == [0, 0]
        assert_analysed_once(app, number, 2, targets)
        with app.app_context(), reading() as session:
            done = select(AuditEvent.subject_id).where(AuditEvent.action == "analysis.done")
            found = list(session.scalars(done.where(AuditEvent.subject_id.in_(map(str, ids)))))
        assert sorted(found) == sorted(map(str, ids)), "each was finished once"
    assert not unnamed_files(app)


def test_an_image_that_kills_its_worker_stops_no_other(app: Flask, world: World, gp: str, monkeypatch) -> None:
    """It is near the head of the queue, and every process that opens it dies."""
    poisoned = world.case(gp, images=2)
    others = [world.case(gp) for _ in range(3)]
    with stored_case(app, poisoned) as case:
        poison = case.images[1].key
    store = store_of(app)
    whole = store.get

    def deadly(key: str) -> bytes:
        if key == poison:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(key)

    monkeypatch.setattr(store, "get", deadly)
    deaths = 0
    while waiting(app):
        deaths += in_child(app, lambda: work_off(app)) == KILLED
        let_time_pass(app)
        sweep(app)
        assert deaths <= settings_of(app).analysis_attempts
    assert deaths == settings_of(app).analysis_attempts
    for number in others:
        assert_analysed_once(app, number, 1, targets_of(app))
    with stored_case(app, poisoned) as case:
        (analysis,) = case.images[1].analyses
        assert (analysis.state, analysis.failure) == (AnalysisState.FAILED, FailureReason.ATTEMPTS_EXHAUSTED)
        assert (case.rank, case.needs_person, case.triage_reason) == (2.0, True, TriageReason.ANALYSIS_FAILED)


class TestWithATimeLimit:
    @pytest.fixture
    def settings(self, instance: Path):
        return make_settings(instance, analysis_attempts=1, analysis_timeout_seconds=6.0)

    def test_a_worker_that_hangs_is_stopped_and_goes_on(self, app: Flask, world: World) -> None:
        """It hangs in a system call; the time limit ends that, and the same worker analyses the next case."""
        number = world.case(world.user(Role.GP))
        with endless_reading(app, number), worker(app):
            wait_until_stored(app, lambda: failures() == [FailureReason.TIMED_OUT])
            other = world.case(world.user(Role.GP))
            wait_until_stored(app, lambda: finished() == 1)
        with stored_case(app, number) as case:
            assert (case.rank, case.triage_reason) == (2.0, TriageReason.ANALYSIS_FAILED)
        with stored_case(app, other) as case:
            assert case.bcc_probability is not None


def failures() -> list[FailureReason | None]:
    return list(db.session.scalars(select(Analysis.failure)))


def finished() -> int:
    statement = select(func.count()).select_from(Analysis).where(Analysis.state == AnalysisState.DONE)
    return db.session.scalar(statement) or 0
