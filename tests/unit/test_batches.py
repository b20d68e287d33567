"""Several analyses at once: each gets its own result, and no image affects another."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.conftest import outcome
from tests.unit.work import analysis_ids, change, messages, stored, submitted
from webapp.analysis import leases, runner
from webapp.analysis.results import Outcome
from webapp.core.config import Settings, settings_of
from webapp.core.database import transaction
from webapp.models import AnalysisState, FailureReason, Urgency
from webapp.storage.store import store_of

BATCH = 3


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"analysis_batch": BATCH})


@pytest.fixture
def four(app: Flask, world) -> list[int]:
    return analysis_ids(app, submitted(world, images=4))


@pytest.fixture
def passes(monkeypatch) -> list[int]:
    """How many images the fake model was given in each call."""
    seen: list[int] = []

    def together(images, _settings: Settings) -> list[object]:
        seen.append(len(images))
        return [outcome(0.1 * place) for place in range(1, len(images) + 1)]

    def alone(_data: bytes, _settings: Settings) -> Outcome:
        seen.append(1)
        return outcome(0.9)

    monkeypatch.setattr(runner, "analyse_together", together)
    monkeypatch.setattr(runner, "analyse", alone)
    return seen


def run(app: Flask, analysis_id: int) -> None:
    with app.app_context():
        runner.run_analysis(analysis_id)


def states(app: Flask, ids: list[int]) -> list[tuple[AnalysisState, int]]:
    found = []
    for analysis_id in ids:
        with stored(app, analysis_id) as analysis:
            found.append((analysis.state, analysis.attempts))
    return found


QUEUED, DONE = (AnalysisState.QUEUED, 0), (AnalysisState.DONE, 1)


def test_waiting_analyses_are_taken_along(app: Flask, four: list[int], passes: list[int]) -> None:
    run(app, four[0])
    assert passes == [BATCH]
    assert states(app, four) == [DONE, DONE, DONE, QUEUED]


def test_a_case_erased_meanwhile_does_not_fail_the_others(
    app: Flask, settings: Settings, four: list[int], passes: list[int]
) -> None:
    with app.app_context():
        found = runner._results([four[0], 987_654, four[1]], store_of(app), settings)
    assert passes == [2]
    assert {analysis_id: type(result) for analysis_id, result in found.items()} == dict.fromkeys(four[:2], Outcome)


def test_each_gets_its_own_result(app: Flask, four: list[int], passes: list[int]) -> None:
    run(app, four[1])
    found = {}
    for analysis_id in four:
        with stored(app, analysis_id) as analysis:
            found[analysis_id] = analysis.bcc_probability
    assert found == pytest.approx({four[1]: 0.1, four[0]: 0.2, four[2]: 0.3, four[3]: None})


def test_a_message_of_one_that_was_taken_along_runs_nothing(app: Flask, four: list[int], passes: list[int]) -> None:
    for analysis_id in four:
        run(app, analysis_id)
    assert passes == [BATCH, 1]
    assert states(app, four) == [DONE] * 4


def test_urgent_ones_are_taken_along_first_and_reruns_last(app: Flask, world, four: list[int]) -> None:
    change(app, four[1], shadow=True)
    (urgent,) = analysis_ids(app, submitted(world, urgency=Urgency.URGENT))
    with app.app_context(), transaction():
        assert leases.take_batch(four[0], "owner") == [four[0], urgent, four[2]]


def test_of_two_workers_none_takes_what_the_other_has(app: Flask, four: list[int]) -> None:
    with app.app_context(), transaction():
        assert leases.take_batch(four[0], "first") == four[:3]
    with app.app_context(), transaction():
        assert leases.take_batch(four[1], "second") == []
        assert leases.take_batch(four[3], "second") == [four[3]]


def test_an_image_that_cannot_be_read_fails_alone(app: Flask, four: list[int], passes: list[int]) -> None:
    with stored(app, four[1]) as analysis:
        key = analysis.image.key
    store_of(app).delete(key)
    run(app, four[0])
    assert passes == [BATCH - 1]
    assert states(app, four) == [DONE, (AnalysisState.QUEUED, 1), DONE, QUEUED]
    with stored(app, four[1]) as analysis:
        assert analysis.findings == []
    with stored(app, four[2]) as analysis:
        assert analysis.bcc_probability == pytest.approx(0.2), "results must not shift"


@pytest.fixture
def poison(monkeypatch) -> Callable[[], None]:
    def raises(*_: object) -> object:
        raise RuntimeError("an image that the runtime cannot bear")

    return lambda: monkeypatch.setattr(runner, "analyse_together", raises)


def test_after_a_failing_batch_each_runs_alone(app: Flask, four: list[int], passes: list[int], poison) -> None:
    poison()
    run(app, four[0])
    assert states(app, four) == [(AnalysisState.QUEUED, 1)] * BATCH + [QUEUED]
    run(app, four[0])
    assert passes == [1], "neither those of the batch nor a fresh one may share its second attempt"
    run(app, four[3])
    assert passes == [1, 1], "a fresh one must not be joined by those that failed"
    assert states(app, four) == [(AnalysisState.DONE, 2), (AnalysisState.QUEUED, 1), (AnalysisState.QUEUED, 1), DONE]


def test_after_a_killed_batch_each_runs_alone(app: Flask, four: list[int], passes: list[int]) -> None:
    with app.app_context(), transaction():
        taken = leases.take_batch(four[0], "killed")
    for analysis_id in taken:
        with stored(app, analysis_id) as analysis:
            over = analysis.lease_until
        assert over is not None
        change(app, analysis_id, lease_until=over.replace(year=over.year - 1))
    messages(app)
    with app.app_context(), transaction():
        assert leases.sweep() == BATCH
    assert sorted(messages(app)) == taken
    for analysis_id in taken:
        run(app, analysis_id)
    assert passes == [1] * BATCH
    assert states(app, four) == [(AnalysisState.DONE, 2)] * BATCH + [QUEUED]


def test_where_there_is_one_attempt_only_nobody_shares_it(app: Flask, four: list[int], passes: list[int]) -> None:
    app.extensions["settings"] = settings_of(app).model_copy(update={"analysis_attempts": 1})
    run(app, four[0])
    assert passes == [1]


def test_a_result_that_cannot_be_stored_does_not_stop_the_others(
    app: Flask, four: list[int], passes: list[int], monkeypatch
) -> None:
    finish = runner.results.finish

    def fails_for_the_first(analysis_id: int, *more: Any) -> bool:
        if analysis_id == four[0]:
            raise RuntimeError("the database does not take it")
        return finish(analysis_id, *more)

    monkeypatch.setattr(runner.results, "finish", fails_for_the_first)
    run(app, four[0])
    assert states(app, four) == [(AnalysisState.RUNNING, 1), DONE, DONE, QUEUED]


def test_the_real_network_gives_a_batch_the_same_results_as_each_alone(app: Flask, world, four: list[int]) -> None:
    def probabilities(ids: list[int]) -> list[float | None]:
        found = []
        for analysis_id in ids:
            with stored(app, analysis_id) as analysis:
                assert analysis.state is AnalysisState.DONE
                found.append(analysis.bcc_probability)
        return found

    run(app, four[0])
    app.extensions["settings"] = settings_of(app).model_copy(update={"analysis_batch": 1})
    alone = analysis_ids(app, submitted(world, images=4))
    for analysis_id in alone:
        run(app, analysis_id)
    assert probabilities(four[:BATCH]) == pytest.approx(probabilities(alone)[:BATCH], abs=1e-4)


def test_a_store_that_is_away_is_tried_again_and_again(
    app: Flask, four: list[int], passes: list[int], monkeypatch
) -> None:
    from webapp.storage.errors import StoreAwayError

    def away(_key: str) -> bytes:
        raise StoreAwayError("the object store does not answer")

    with monkeypatch.context() as patch:
        patch.setattr(store_of(app).blobs, "read", away)
        for _ in range(settings_of(app).analysis_attempts):
            run(app, four[0])
    with stored(app, four[0]) as analysis:
        assert (analysis.state, analysis.failure) == (AnalysisState.FAILED, FailureReason.STORE_UNAVAILABLE)
        finished = analysis.finished_at
    assert finished is not None
    change(app, four[0], finished_at=finished.replace(year=finished.year - 1))
    with app.app_context(), transaction():
        leases.sweep()
    run(app, four[0])
    assert states(app, four[:1]) == [DONE]
