"""What the worker does by the row: one that raises stays as it was, and the next ones are done all the same."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.exc import OperationalError

from tests.conftest import World
from tests.web.helpers import change_case, stored_case
from tests.web.reading import take
from webapp.admin.operation import placing
from webapp.analysis import leases
from webapp.core.database import one_by_one, transaction
from webapp.models import Analysis, AnalysisState, Case, CaseState, Claim, ModelSwitch, User, utcnow
from webapp.review import claims
from webapp.triage import lift, rank


@pytest.fixture
def numbers(world: World, gp: str) -> list[str]:
    return [world.case(gp) for _ in range(3)]


def fail_for(monkeypatch: pytest.MonkeyPatch, module: object, name: str, number: str) -> None:
    own: Callable[[Case], object] = getattr(module, name)

    def step(case: Case) -> None:
        own(case)
        if case.number == number:
            raise RuntimeError("this row cannot be done")

    monkeypatch.setattr(module, name, step)


def ran(app: Flask, step: Callable[[], object]) -> None:
    with app.app_context(), transaction():
        step()


def test_a_case_that_is_due(app: Flask, numbers, monkeypatch, caplog: pytest.LogCaptureFixture) -> None:
    for number in numbers:
        change_case(app, number, waiting_since=utcnow() - timedelta(days=300))
    fail_for(monkeypatch, rank, "refresh", numbers[0])
    ran(app, lift.lift_past_due)
    found = []
    for number in numbers:
        with stored_case(app, number) as case:
            found.append(case.past_due)
    assert found == [False, True, True]
    assert "moving a case up that is due failed for one row" in caplog.text


def test_an_expired_claim(app: Flask, numbers, reader, monkeypatch, caplog: pytest.LogCaptureFixture) -> None:
    for number in numbers:
        take(reader, number)
    with app.app_context(), transaction() as session:
        session.query(Claim).update({"expires_at": utcnow() - timedelta(minutes=1)})
    fail_for(monkeypatch, claims, "_hand_back", numbers[0])
    ran(app, claims.release_expired)
    found = []
    for number in numbers:
        with stored_case(app, number) as case:
            found.append((case.state, case.claims[-1].released_at is not None))
    assert found == [(CaseState.IN_REVIEW, False), (CaseState.SUBMITTED, True), (CaseState.SUBMITTED, True)]
    assert "releasing an expired claim failed" in caplog.text


def test_an_analysis_whose_worker_died(app: Flask, numbers, monkeypatch, caplog: pytest.LogCaptureFixture) -> None:
    with app.app_context(), transaction() as session:
        for analysis in session.query(Analysis):
            analysis.state, analysis.lease_owner, analysis.attempts = AnalysisState.RUNNING, "dead", 1
            analysis.lease_until = utcnow() - timedelta(minutes=1)
    fail_for(monkeypatch, rank, "refresh", numbers[0])
    ran(app, leases.sweep)
    found = []
    for number in numbers:
        with stored_case(app, number) as case:
            found.append(case.images[0].analyses[0].state)
    assert found == [AnalysisState.RUNNING, AnalysisState.QUEUED, AnalysisState.QUEUED]
    assert "taking an analysis back failed" in caplog.text


def test_placing_cases_anew(app: Flask, numbers, monkeypatch, caplog: pytest.LogCaptureFixture) -> None:
    with app.app_context(), transaction() as session:
        actor = session.query(User).first()
        session.add(ModelSwitch(off=True, reason="x", switched_by=actor, placed_up_to=0))
    fail_for(monkeypatch, rank, "refresh", numbers[0])
    ran(app, placing.place_open_cases)
    found = []
    for number in numbers:
        with stored_case(app, number) as case:
            found.append(case.triage_reason.value)
    assert found == ["awaiting_analysis", "model_off", "model_off"]
    assert "placing a case failed" in caplog.text


def test_a_database_that_is_away_is_no_fault_of_a_row(app: Flask) -> None:
    tried = []

    def step(row: int) -> None:
        tried.append(row)
        raise OperationalError("SQL", {}, Exception("away"))

    with app.app_context(), pytest.raises(OperationalError), transaction():
        one_by_one([1, 2], step, "a test")
    assert tried == [1]
