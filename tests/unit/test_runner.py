"""The runner with a fake model: whatever happens, no case is lost or appears harmless."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from huey.exceptions import TaskTimeout

from ml.bundle import BundleError
from tests.conftest import outcome
from tests.patience import wait_until
from tests.unit.work import analysis_ids, messages, stored, stored_case, submitted
from tests.web.helpers import stored_files
from webapp.analysis import leases, runner
from webapp.analysis.results import Outcome
from webapp.core.config import Settings, settings_of
from webapp.core.database import reading, transaction
from webapp.models import AnalysisState, FailureReason, TriageReason, Worker
from webapp.storage.store import store_of


@pytest.fixture
def number(world) -> str:
    return submitted(world)


@pytest.fixture
def analysis_id(app: Flask, number: str) -> int:
    (only,) = analysis_ids(app, number)
    return only


@pytest.fixture
def run(app: Flask, analysis_id: int, monkeypatch) -> Callable[[object], None]:
    """Run the analysis with ``result``: an outcome, or an exception to raise."""

    def run(result: object) -> None:
        def analyse(_data: bytes, _settings: Settings) -> object:
            if isinstance(result, BaseException):
                raise result
            return result

        monkeypatch.setattr(runner, "analyse", analyse)
        with app.app_context():
            runner.run_analysis(analysis_id)

    return run


def assert_on_top(app: Flask, number: str, reason: TriageReason) -> None:
    with stored_case(app, number) as case:
        assert (case.rank, case.needs_person, case.triage_reason) == (2.0, True, reason)


def test_a_result_is_stored(app: Flask, run, analysis_id: int, number: str) -> None:
    run(outcome(0.7))
    with stored(app, analysis_id) as analysis:
        assert (analysis.state, analysis.attempts, analysis.bcc_probability) == (AnalysisState.DONE, 1, 0.7)
    with stored_case(app, number) as case:
        assert case.triage_reason is TriageReason.PROBABILITY


def test_the_model_sees_the_stored_pixels(app: Flask, analysis_id: int, monkeypatch) -> None:
    seen = []

    def analyse(data: bytes, _settings: Settings) -> Outcome:
        seen.append(data)
        return outcome(0.7)

    monkeypatch.setattr(runner, "analyse", analyse)
    with app.app_context():
        runner.run_analysis(analysis_id)
    with stored(app, analysis_id) as analysis:
        assert seen == [store_of(app).get(analysis.image.key)]


def test_a_message_that_comes_twice_runs_once(app: Flask, run, analysis_id: int) -> None:
    run(outcome(0.7))
    run(outcome(0.1))
    with stored(app, analysis_id) as analysis:
        assert (analysis.attempts, analysis.bcc_probability) == (1, 0.7)


def test_a_missing_model_puts_the_case_on_top_at_once(app: Flask, run, analysis_id: int, number: str) -> None:
    run(BundleError("There is no readable model card."))
    with stored(app, analysis_id) as analysis:
        assert (analysis.state, analysis.failure) == (AnalysisState.FAILED, FailureReason.MODEL_UNAVAILABLE)
    assert_on_top(app, number, TriageReason.MODEL_UNAVAILABLE)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (RuntimeError("a bug"), FailureReason.ERROR),
        (TaskTimeout(), FailureReason.TIMED_OUT),
        (MemoryError(), FailureReason.ERROR),
    ],
)
def test_a_failure_is_tried_again_and_ends_on_top(
    app: Flask, run, analysis_id: int, number: str, error: BaseException, failure: FailureReason
) -> None:
    attempts = settings_of(app).analysis_attempts
    for attempt in range(1, attempts + 1):
        messages(app)
        assert_on_top(app, number, TriageReason.AWAITING_ANALYSIS)
        run(error)
        with stored(app, analysis_id) as analysis:
            assert analysis.attempts == attempt
            assert analysis.state is (AnalysisState.QUEUED if attempt < attempts else AnalysisState.FAILED)
        assert messages(app) == ([analysis_id] if attempt < attempts else [])
    with stored(app, analysis_id) as analysis:
        assert analysis.failure is failure
    assert_on_top(app, number, TriageReason.ANALYSIS_FAILED)


def test_a_stored_image_that_vanished_ends_on_top(
    app: Flask, settings: Settings, analysis_id: int, number: str
) -> None:
    for key in stored_files(settings):
        store_of(app).delete(key)
    with app.app_context():
        for _ in range(settings.analysis_attempts):
            runner.run_analysis(analysis_id)
    with stored(app, analysis_id) as analysis:
        assert analysis.failure is FailureReason.IMAGE_UNREADABLE
    assert_on_top(app, number, TriageReason.ANALYSIS_FAILED)


def test_no_probability_needs_a_person(app: Flask, run, number: str) -> None:
    run(outcome(None))
    assert_on_top(app, number, TriageReason.MODEL_UNSURE)


def test_no_probability_needs_a_person_even_if_the_model_is_content(app: Flask, run, number: str) -> None:
    run(replace(outcome(None), needs_person=False))
    assert_on_top(app, number, TriageReason.MODEL_UNSURE)


def test_a_probability_that_is_no_number_ends_on_top(
    app: Flask, settings: Settings, run, analysis_id: int, number: str
) -> None:
    """Databases differ: SQLite keeps NaN as "unknown", PostgreSQL refuses the row; the sweep then ends the attempts."""
    result = replace(outcome(0.01), bcc_probability=float("nan"), bcc=False, needs_person=False)
    for _ in range(settings.analysis_attempts):
        try:
            run(result)
        except Exception:
            with stored(app, analysis_id) as analysis:
                assert analysis.state is AnalysisState.RUNNING
        assert_never_low(app, number)
    assert_never_low(app, number)


def assert_never_low(app: Flask, number: str) -> None:
    with stored_case(app, number) as case:
        assert (case.rank, case.needs_person) == (2.0, True)


def test_a_worker_that_lost_its_lease_drops_its_result(app: Flask, analysis_id: int, number: str, monkeypatch) -> None:
    def overtaken(_data: bytes, _settings: Settings) -> object:
        from webapp.core.extensions import db
        from webapp.models import Analysis

        with app.app_context(), transaction():
            db.session.get_one(Analysis, analysis_id).lease_owner = "somebody else"
        return outcome(0.01)

    monkeypatch.setattr(runner, "analyse", overtaken)
    with app.app_context():
        runner.run_analysis(analysis_id)
    with stored(app, analysis_id) as analysis:
        assert (analysis.state, analysis.lease_owner) == (AnalysisState.RUNNING, "somebody else")
    assert_never_low(app, number)


def test_long_work_keeps_its_lease(app: Flask, settings: Settings, analysis_id: int) -> None:
    """The heartbeat renews a lease that would otherwise have expired."""
    quick = settings.model_copy(update={"analysis_lease_seconds": 0.3})
    app.extensions["settings"] = quick

    def lease_until() -> datetime:
        with stored(app, analysis_id) as analysis:
            assert analysis.lease_until
            return analysis.lease_until

    with app.app_context(), transaction():
        assert leases.take(analysis_id, "owner")
    first_end = lease_until()
    with leases.Heartbeat(app, [analysis_id], "owner", quick):
        wait_until(lambda: lease_until() > first_end + timedelta(seconds=quick.analysis_lease_seconds))


def test_work_beyond_its_time_limit_loses_its_lease(app: Flask, settings: Settings, analysis_id: int) -> None:
    quick = settings.model_copy(update={"analysis_lease_seconds": 0.3, "analysis_timeout_seconds": 0.2})
    app.extensions["settings"] = quick

    def taken(owner: str) -> bool:
        with app.app_context(), transaction():
            return leases.take(analysis_id, owner)

    assert taken("owner")
    with leases.Heartbeat(app, [analysis_id], "owner", quick):
        wait_until(lambda: taken("next"))


@pytest.mark.parametrize("content", [None, "{}", "not json"])
def test_a_bundle_that_is_missing_or_broken_puts_the_case_on_top(
    app: Flask, settings: Settings, analysis_id: int, number: str, tmp_path: Path, content: str | None, caplog
) -> None:
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    if content is not None:
        (bundle / "card.json").write_text(content)
    app.extensions["settings"] = settings.model_copy(update={"model_bundle": bundle})
    with app.app_context():
        with transaction():
            assert not runner.warm_up(settings_of(app), "worker")
        with reading() as session:
            assert session.query(Worker).one().model_error
        runner.run_analysis(analysis_id)
    assert "no model" in caplog.text
    with stored(app, analysis_id) as analysis:
        assert analysis.failure is FailureReason.MODEL_UNAVAILABLE
    assert_on_top(app, number, TriageReason.MODEL_UNAVAILABLE)
