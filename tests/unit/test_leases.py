"""One worker at a time; what a dead one leaves behind is picked up again."""

from datetime import timedelta
from unittest.mock import Mock

import pytest
from flask import Flask
from sqlalchemy import text

from tests.unit.work import analysis_ids, change, messages, stored, stored_case, submitted
from webapp.analysis import leases, queries, queue
from webapp.core.config import Settings, settings_of
from webapp.core.database import transaction
from webapp.core.version import VERSION
from webapp.models import AnalysisState, Case, CaseState, FailureReason, TriageReason, utcnow
from webapp.triage import rank

LONG_AGO = timedelta(hours=1)


@pytest.fixture
def number(world) -> str:
    return submitted(world)


@pytest.fixture
def analysis_id(app: Flask, number: str) -> int:
    (only,) = analysis_ids(app, number)
    return only


def take(app: Flask, analysis_id: int, owner: str) -> bool:
    with app.app_context(), transaction():
        return leases.take(analysis_id, owner)


def renew(app: Flask, analysis_id: int, owner: str) -> bool:
    with app.app_context(), transaction():
        return leases.renew(analysis_id, owner)


def sweep(app: Flask) -> int:
    with app.app_context(), transaction():
        return leases.sweep()


def expire(app: Flask, analysis_id: int) -> None:
    change(app, analysis_id, lease_until=utcnow() - timedelta(seconds=1))


def test_of_two_workers_one_takes_it(app: Flask, analysis_id: int) -> None:
    assert take(app, analysis_id, "first")
    assert not take(app, analysis_id, "second")
    with stored(app, analysis_id) as analysis:
        assert (analysis.state, analysis.lease_owner, analysis.attempts) == (AnalysisState.RUNNING, "first", 1)


def test_a_worker_of_another_release_takes_nothing(app: Flask, analysis_id: int) -> None:
    for version, taken in (("0.0.1", []), (VERSION, [analysis_id])):
        with app.app_context(), transaction() as session:
            session.execute(text("UPDATE program_release SET version = :version"), {"version": version})
        with app.app_context(), transaction():
            assert leases.take_batch(analysis_id, "somebody") == taken


def test_no_two_owners_have_one_name() -> None:
    assert leases.new_owner() != leases.new_owner()


def test_a_lease_that_ran_out_can_be_taken(app: Flask, analysis_id: int) -> None:
    take(app, analysis_id, "dead")
    expire(app, analysis_id)
    assert take(app, analysis_id, "second")
    assert not renew(app, analysis_id, "dead")
    with stored(app, analysis_id) as analysis:
        assert (analysis.lease_owner, analysis.attempts) == ("second", 2)


def test_only_the_owner_renews(app: Flask, analysis_id: int) -> None:
    take(app, analysis_id, "owner")
    expire(app, analysis_id)
    assert not renew(app, analysis_id, "stranger")
    assert renew(app, analysis_id, "owner")
    assert not take(app, analysis_id, "second"), "a renewed lease holds again"


@pytest.mark.parametrize("state", [AnalysisState.DONE, AnalysisState.FAILED, AnalysisState.SUPERSEDED])
def test_what_is_finished_cannot_be_taken(app: Flask, analysis_id: int, state: AnalysisState) -> None:
    change(app, analysis_id, state=state)
    assert not take(app, analysis_id, "late")


def test_the_last_attempt_is_the_last(app: Flask, analysis_id: int) -> None:
    change(app, analysis_id, attempts=settings_of(app).analysis_attempts)
    assert not take(app, analysis_id, "one too many")


def test_dying_workers_end_with_the_case_on_top(app: Flask, number: str, analysis_id: int) -> None:
    for attempt in range(settings_of(app).analysis_attempts):
        assert take(app, analysis_id, f"worker {attempt}")
        expire(app, analysis_id)
        assert sweep(app) == 1
    with stored(app, analysis_id) as analysis:
        assert (analysis.state, analysis.failure) == (AnalysisState.FAILED, FailureReason.ATTEMPTS_EXHAUSTED)
    with stored_case(app, number) as case:
        assert (case.rank, case.needs_person) == (2.0, True)
        assert case.triage_reason is TriageReason.ANALYSIS_FAILED
    assert sweep(app) == 0


def test_the_sweep_sends_an_abandoned_analysis_again(app: Flask, analysis_id: int) -> None:
    messages(app)
    take(app, analysis_id, "dead")
    expire(app, analysis_id)
    assert sweep(app) == 1
    assert messages(app) == [analysis_id]
    with stored(app, analysis_id) as analysis:
        assert (analysis.state, analysis.lease_owner, analysis.lease_until) == (AnalysisState.QUEUED, None, None)


def test_the_sweep_sends_what_never_had_a_message(app: Flask, analysis_id: int) -> None:
    messages(app)
    change(app, analysis_id, queued_at=utcnow() - LONG_AGO)
    assert sweep(app) == 1
    assert messages(app) == [analysis_id]


def test_the_sweep_waits_while_messages_are_waiting(app: Flask, settings: Settings, analysis_id: int) -> None:
    a_while = timedelta(seconds=2 * settings.analysis_lease_seconds)
    change(app, analysis_id, queued_at=utcnow() - a_while)
    assert sweep(app) == 0
    assert messages(app) == [analysis_id]


def test_a_message_lost_while_the_broker_is_busy_is_sent_again_in_the_end(app: Flask, analysis_id: int) -> None:
    change(app, analysis_id, queued_at=utcnow() - LONG_AGO)
    assert sweep(app) == 1
    assert messages(app) == [analysis_id, analysis_id]
    assert sweep(app) == 0, "not again at once"


def test_the_sweep_leaves_the_living_and_the_fresh_alone(app: Flask, world, analysis_id: int) -> None:
    (fresh,) = analysis_ids(app, submitted(world))
    messages(app)
    take(app, analysis_id, "alive")
    assert sweep(app) == 0
    assert messages(app) == []
    with stored(app, analysis_id) as analysis:
        assert analysis.lease_owner == "alive"
    with stored(app, fresh) as analysis:
        assert analysis.state is AnalysisState.QUEUED


@pytest.mark.parametrize("state", [AnalysisState.RUNNING, AnalysisState.DONE, AnalysisState.SUPERSEDED])
def test_the_sweep_looks_again_before_it_takes_an_analysis_away(
    app: Flask, analysis_id: int, monkeypatch: pytest.MonkeyPatch, state: AnalysisState
) -> None:
    """Found abandoned, but by the time its case is locked its worker has renewed the lease, or it is over."""
    take(app, analysis_id, "slow")
    if state is not AnalysisState.RUNNING:
        change(app, analysis_id, state=state)
        expire(app, analysis_id)
    monkeypatch.setattr(queries, "abandoned", lambda _now: [(1, analysis_id)])
    assert sweep(app) == 0
    with stored(app, analysis_id) as analysis:
        assert (analysis.state, analysis.lease_owner) == (state, "slow")


@pytest.mark.parametrize(("ago", "swept"), [(LONG_AGO, 1), (timedelta(0), 0)])
def test_the_sweep_tries_again_where_the_model_was_missing(app: Flask, analysis_id: int, ago, swept: int) -> None:
    messages(app)
    values = {"state": AnalysisState.FAILED, "failure": FailureReason.MODEL_UNAVAILABLE, "attempts": 3}
    change(app, analysis_id, **values, finished_at=utcnow() - ago)
    assert sweep(app) == swept
    assert messages(app) == [analysis_id] * swept
    if swept:
        assert take(app, analysis_id, "after the repair")


@pytest.mark.parametrize(
    ("state", "swept"),
    [(CaseState.REVIEWED, 1), (CaseState.CLOSED, 1), (CaseState.RETAKE_REQUESTED, 1), (CaseState.WITHDRAWN, 0)],
)
def test_a_decision_made_without_the_model_gets_its_late_result(
    app: Flask, world, number: str, analysis_id: int, state: CaseState, swept: int
) -> None:
    """Last of all: only then can the result call the decision into question."""
    (fresh,) = analysis_ids(app, submitted(world))
    messages(app)
    values = {"state": AnalysisState.FAILED, "failure": FailureReason.MODEL_UNAVAILABLE, "attempts": 3}
    change(app, analysis_id, **values, finished_at=utcnow() - LONG_AGO)
    with app.app_context(), transaction() as session:
        case = session.query(Case).filter_by(number=number).one()
        case.state, case.is_open = state, False
    assert sweep(app) == swept
    with app.app_context(), transaction():
        queue.send_all([(fresh, queue.RERUN)])
        assert queries.next_fresh(5) == [fresh, analysis_id][: 1 + swept]
    assert messages(app) == [fresh, analysis_id][: 1 + swept]


def test_the_sweep_retries_open_cases_before_decided_ones(
    app: Flask, world, number: str, analysis_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "AFTERWARDS", 1)
    others = [submitted(world) for _ in range(3)]
    ids = [analysis_id, *(analysis_ids(app, other)[0] for other in others)]
    for one in ids:
        values = {"state": AnalysisState.FAILED, "failure": FailureReason.STORE_UNAVAILABLE}
        change(app, one, **values, finished_at=utcnow() - LONG_AGO)
    with app.app_context(), transaction() as session:
        for case in session.query(Case).filter(Case.number.in_([number, others[0]])):
            case.state, case.is_open = CaseState.REVIEWED, False
    messages(app)
    assert sweep(app) == 3
    assert messages(app) == [*ids[2:], ids[0]]
    assert sweep(app) == 1


def test_the_sweep_does_not_retry_other_failures(app: Flask, analysis_id: int) -> None:
    messages(app)
    values = {"state": AnalysisState.FAILED, "failure": FailureReason.ERROR, "attempts": 3}
    change(app, analysis_id, **values, finished_at=utcnow() - LONG_AGO)
    assert sweep(app) == 0


def test_a_sweep_that_fails_sends_nothing(app: Flask, analysis_id: int, monkeypatch) -> None:
    messages(app)
    take(app, analysis_id, "dead")
    expire(app, analysis_id)
    monkeypatch.setattr(rank, "refresh", Mock(side_effect=RuntimeError))
    assert sweep(app) == 0
    assert messages(app) == []
