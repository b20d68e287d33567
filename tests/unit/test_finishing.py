"""A result is stored once, by the worker that holds the lease, or not at all."""

from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import func, select

from ml.patterns import Call
from tests.cards import found
from tests.conftest import outcome
from tests.unit.work import analysis_ids, change, stored, stored_case, submitted
from tests.web.helpers import stored_files
from webapp.analysis import leases, results
from webapp.core.config import Settings
from webapp.core.database import transaction
from webapp.models import AnalysisState, AuditEvent, Case, FailureReason, Finding, ModelVersion, TriageReason
from webapp.storage.store import store_of
from webapp.triage import rank
from webapp.triage.concern import says_bcc


@pytest.fixture
def number(world) -> str:
    return submitted(world)


@pytest.fixture
def analysis_id(app: Flask, number: str) -> int:
    """Leased by "owner"."""
    (only,) = analysis_ids(app, number)
    with app.app_context(), transaction():
        assert leases.take(only, "owner")
    return only


def finish(app: Flask, analysis_id: int, owner: str, probability: float | None = 0.9) -> bool:
    with app.app_context(), transaction():
        return results.finish(analysis_id, owner, results.stored(outcome(probability), store_of(app)))


def give_up(app: Flask, analysis_id: int, owner: str, failure: FailureReason) -> None:
    with app.app_context(), transaction():
        results.give_up(analysis_id, owner, failure)


def count(app: Flask, table: type) -> int:
    with app.app_context(), transaction() as session:
        return session.scalar(select(func.count()).select_from(table))


def test_the_result_moves_the_case_to_its_place(app: Flask, number: str, analysis_id: int) -> None:
    assert finish(app, analysis_id, "owner", 0.9)
    with stored(app, analysis_id) as analysis:
        assert (analysis.state, analysis.bcc_probability, says_bcc(analysis)) == (AnalysisState.DONE, 0.9, True)
        assert (analysis.lease_owner, analysis.lease_until) == (None, None)
        assert analysis.model_version is not None
        assert analysis.model_version.reference == "test-model@000000000000"
        assert analysis.preprocessing == "test-1"
        assert [finding.target for finding in analysis.findings] == ["BCC", "MEL", "SCC"]
    with stored_case(app, number) as case:
        assert (case.bcc_probability, case.needs_person) == (0.9, False)


def test_a_stranger_changes_nothing(app: Flask, settings: Settings, number: str, analysis_id: int) -> None:
    before = stored_files(settings)
    assert not finish(app, analysis_id, "stranger", 0.01)
    with stored(app, analysis_id) as analysis:
        assert (analysis.state, analysis.lease_owner) == (AnalysisState.RUNNING, "owner")
    with stored_case(app, number) as case:
        assert case.rank == 2.0
    assert count(app, Finding) == 0
    assert stored_files(settings) == before


def test_finishing_twice_keeps_the_first_result(app: Flask, settings: Settings, number: str, analysis_id: int) -> None:
    assert finish(app, analysis_id, "owner", 0.9)
    before = stored_files(settings)
    assert not finish(app, analysis_id, "owner", 0.01)
    with stored_case(app, number) as case:
        assert case.bcc_probability == 0.9
    assert count(app, Finding) == 3
    assert stored_files(settings) == before


def test_two_images_share_one_model_version(app: Flask, world) -> None:
    number = submitted(world, images=2)
    world.analyse(number)
    assert count(app, ModelVersion) == 1


def test_a_transaction_that_fails_leaves_no_heatmap(
    app: Flask, settings: Settings, analysis_id: int, monkeypatch
) -> None:
    before = stored_files(settings)
    seen = []

    def refresh(_case: Case) -> None:
        seen.append(stored_files(settings))
        raise ZeroDivisionError

    monkeypatch.setattr(rank, "refresh", refresh)
    with pytest.raises(ZeroDivisionError):
        finish(app, analysis_id, "owner")
    assert len(seen[0]) == len(before) + 1, "the heatmap had been stored by then"
    assert stored_files(settings) == before
    with stored(app, analysis_id) as analysis:
        assert analysis.state is AnalysisState.RUNNING


def test_a_heatmap_is_stored_only_for_a_finding_that_has_one(app: Flask, analysis_id: int) -> None:
    all_found = [found("BCC", 0.9), found("PN", 0.01), found("AT", 0.9, placed=False)]
    with app.app_context(), transaction():
        result = replace(outcome(0.9), findings=all_found)
        results.finish(analysis_id, "owner", results.stored(result, store_of(app)))
    with stored(app, analysis_id) as analysis:
        kept = [(f.target, f.call, f.placed, f.heatmap_key is not None) for f in analysis.findings]
    assert kept == [
        ("BCC", Call.LIKELY, True, True),
        ("PN", Call.NOT_SEEN, True, False),
        ("AT", Call.LIKELY, False, False),
    ]


def test_a_failed_attempt_is_tried_again_and_the_last_one_is_final(app: Flask, number: str, analysis_id: int) -> None:
    give_up(app, analysis_id, "owner", FailureReason.ERROR)
    with stored(app, analysis_id) as analysis:
        assert (analysis.state, analysis.failure) == (AnalysisState.QUEUED, None)
    change(app, analysis_id, state=AnalysisState.RUNNING, lease_owner="owner", attempts=3)
    give_up(app, analysis_id, "owner", FailureReason.ERROR)
    with stored(app, analysis_id) as analysis:
        assert (analysis.state, analysis.failure) == (AnalysisState.FAILED, FailureReason.ERROR)
    with stored_case(app, number) as case:
        assert (case.rank, case.triage_reason) == (2.0, TriageReason.ANALYSIS_FAILED)


def test_a_stranger_cannot_give_up_for_the_owner(app: Flask, analysis_id: int) -> None:
    give_up(app, analysis_id, "stranger", FailureReason.ERROR)
    with stored(app, analysis_id) as analysis:
        assert analysis.lease_owner == "owner"


def test_giving_up_after_finishing_changes_nothing(app: Flask, analysis_id: int) -> None:
    finish(app, analysis_id, "owner")
    give_up(app, analysis_id, "owner", FailureReason.TIMED_OUT)
    with stored(app, analysis_id) as analysis:
        assert analysis.state is AnalysisState.DONE


def test_results_and_failures_are_audited(app: Flask, world, analysis_id: int) -> None:
    finish(app, analysis_id, "owner")
    (other,) = analysis_ids(app, submitted(world))
    with app.app_context(), transaction():
        leases.take(other, "owner")
    give_up(app, other, "owner", FailureReason.MODEL_UNAVAILABLE)
    with app.app_context(), transaction() as session:
        events = session.scalars(select(AuditEvent).where(AuditEvent.subject_type == "analysis")).all()
        assert [(event.action, event.subject_id, event.actor_id) for event in events] == [
            ("analysis.done", str(analysis_id), None),
            ("analysis.failed", str(other), None),
        ]
