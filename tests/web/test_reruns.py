"""Re-runs of old images: after new uploads; both results kept; a decided case keeps what its reader saw."""

import re
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import World, outcome
from tests.unit.work import messages
from tests.web.helpers import SURE, actions, change_case, count, counted_queries, in_force, stored_case, words
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp.analysis import queue, reruns, results, workers
from webapp.analysis.results import Outcome
from webapp.core.database import reading, transaction
from webapp.models import Analysis, AnalysisState, CaseState, FailureReason, ModelVersion, Rerun, Role
from webapp.storage.store import store_of

OLD, NEW = "0" * 64, "1" * 64


@pytest.fixture
def admin(world: World, sign_in) -> CheckedClient:
    return sign_in(world.user(Role.ADMIN, name="Test Admin"))


def load(app: Flask, sha: str) -> None:
    """A worker has loaded these weights."""
    with app.app_context(), transaction():
        workers.note_model("machine:1", "test-model", sha, outcome(0.2).card)


def start(app: Flask, admin: CheckedClient, sha: str = NEW):
    with app.app_context(), reading() as session:
        version = session.scalars(select(ModelVersion.id).where(ModelVersion.weights_sha256 == sha)).one()
    return admin.submit(f"/admin/models/{version}/rerun", SURE, page="/admin/models")


def switch(admin: CheckedClient, now: str) -> None:
    """The model "off" or "on"."""
    form = {**SURE, "reason": "Test reason."}
    assert admin.submit(f"/admin/models/{now}", form, page="/admin/models").status_code == 302


def feed(app: Flask) -> int:
    with app.app_context(), transaction():
        return reruns.feed()


def work(app: Flask, answer: Outcome | FailureReason) -> None:
    """Process the queued re-runs as a worker would."""
    store = store_of(app)
    with app.app_context(), transaction() as session:
        for analysis in session.scalars(select(Analysis).where(Analysis.shadow, Analysis.state == "queued")):
            analysis.state, analysis.lease_owner, analysis.attempts = AnalysisState.RUNNING, "test", 3
            session.flush()
            if isinstance(answer, Outcome):
                assert results.finish(analysis.id, "test", results.stored(answer, store))
            else:
                results.give_up(analysis.id, "test", answer)


def fresh(probability: float = 0.9) -> Outcome:
    return replace(outcome(probability), weights_sha256=NEW)


def shown(client: CheckedClient) -> str:
    return words(client.get("/admin/models").text)


def weights(analysis: Analysis) -> str:
    assert analysis.model_version is not None
    return analysis.model_version.weights_sha256


def test_the_versions_with_hash_and_what_they_did(app: Flask, world: World, gp: str, admin: CheckedClient) -> None:
    assert "No model yet" in shown(admin)
    load(app, OLD)
    world.analyse(world.case(gp, images=2), 0.2)
    load(app, NEW)
    page = admin.get("/admin/models").text
    assert re.findall(r"<code>(\w+)</code>", page) == [NEW, OLD]
    assert re.findall(r"Results</dt><dd>(\d+)", page) == ["0", "2"]
    assert page.count("in use") == 1
    assert page.index("in use") < page.index(NEW)
    assert page.count("Re-run earlier cases with this model") == 1


def test_an_open_case_gets_the_new_result_and_keeps_the_old_one(app: Flask, world: World, gp: str, admin) -> None:
    load(app, OLD)
    number = world.case(gp)
    world.analyse(number, 0.02)
    load(app, NEW)
    assert start(app, admin).status_code == 302
    assert feed(app) == 1
    with stored_case(app, number) as case:  # nothing changes until the new result arrives
        assert (case.bcc_probability, case.needs_person) == (0.02, False)
        assert weights(in_force(case.images[0])) == OLD
    work(app, fresh(0.9))
    with stored_case(app, number) as case:
        assert case.bcc_probability == 0.9
        before, now = case.images[0].analyses
        assert (before.state, before.bcc_probability, len(before.findings)) == (AnalysisState.SUPERSEDED, 0.02, 3)
        assert case.images[0].current_analysis is now
        assert weights(now) == NEW


def test_a_decided_case_keeps_what_its_reader_saw(app: Flask, world: World, gp: str, admin, sign_in) -> None:
    load(app, OLD)
    number = world.case(gp)
    world.analyse(number, 0.02)
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    decide(reader, number, diagnosis="bcc", management="biopsy")
    load(app, NEW)
    start(app, admin)
    feed(app)
    work(app, fresh(0.9))
    with stored_case(app, number) as case:
        shown_then, beside = case.images[0].analyses
        assert case.images[0].current_analysis is shown_then
        assert (case.bcc_probability, beside.bcc_probability, beside.state) == (0.02, 0.9, AnalysisState.DONE)
        version = beside.model_version_id
    dashboard = admin.get("/admin/dashboard").text
    assert number in dashboard  # missed in the result the dermatologist saw
    assert number not in admin.get(f"/admin/dashboard?version={version}").text


def test_a_failed_re_run_changes_nothing(app: Flask, world: World, gp: str, admin: CheckedClient) -> None:
    load(app, OLD)
    number = world.case(gp)
    world.analyse(number, 0.02)
    load(app, NEW)
    start(app, admin)
    feed(app)
    work(app, FailureReason.ERROR)
    with stored_case(app, number) as case:
        assert (case.bcc_probability, case.needs_person) == (0.02, False)
    assert feed(app) == 0  # and is not retried for ever
    assert "1 of 1 images, 1 of them without a result" in shown(admin)
    assert "No analyses of open cases have failed" in words(admin.get("/admin/service").text)


def test_in_portions_after_fresh_uploads(app: Flask, world: World, gp: str, admin, monkeypatch) -> None:
    monkeypatch.setattr(reruns, "PORTION", 2)
    load(app, OLD)
    for _ in range(3):
        world.analyse(world.case(gp), 0.2)
    load(app, NEW)
    messages(app)
    start(app, admin)
    assert [feed(app), feed(app)] == [2, 0]  # two are pending: no more until they are done
    urgent = world.case(gp)
    with stored_case(app, urgent) as case:
        new = case.images[0].analyses[0].id
    handed_out = messages(app)
    assert handed_out[0] == new
    assert len(handed_out) == 3
    work(app, fresh())
    assert feed(app) == 1
    work(app, fresh())
    assert feed(app) == 0
    page = shown(admin)
    assert "Last re-run 3 of 3 images." in page
    assert "finished" in page
    assert actions(app)[-1] == "rerun.ended"


def test_what_is_analysed_already_or_withdrawn_is_left_out(app: Flask, world: World, gp: str, admin) -> None:
    load(app, OLD)
    old, withdrawn, waiting = (world.case(gp) for _ in range(3))
    world.analyse(old, 0.2)
    world.analyse(withdrawn, 0.2)
    change_case(app, withdrawn, state=CaseState.WITHDRAWN, is_open=False)
    load(app, NEW)
    seen = world.case(gp)
    world.analyse(seen, 0.2, weights_sha256=NEW)
    start(app, admin)
    later = world.case(gp)
    world.analyse(later, 0.2)
    assert feed(app) == 1
    with app.app_context(), reading() as session:
        (analysis,) = session.scalars(select(Analysis).where(Analysis.shadow))
        assert analysis.image.case.number == old
        assert queue.priority_of(analysis) == queue.RERUN
    assert waiting != later


def test_a_worker_with_another_model_waits(app: Flask, world: World, gp: str, admin: CheckedClient) -> None:
    load(app, OLD)
    world.analyse(world.case(gp), 0.2)
    load(app, NEW)
    start(app, admin)
    load(app, OLD)
    assert feed(app) == 0
    load(app, NEW)
    assert feed(app) == 1


def test_one_at_a_time_and_only_with_the_loaded_model(app: Flask, world: World, gp: str, admin: CheckedClient) -> None:
    load(app, OLD)
    world.analyse(world.case(gp), 0.2)
    load(app, NEW)
    start(app, admin, OLD)
    assert "Not started" in admin.get("/admin/models").text
    start(app, admin)
    start(app, admin)
    assert "Not started" in admin.get("/admin/models").text
    assert actions(app).count("rerun.started") == 1
    assert admin.submit("/admin/models/987654/rerun", page="/admin/models").status_code == 404


def test_stopped_it_queues_no_more(app: Flask, world: World, gp: str, admin, monkeypatch) -> None:
    monkeypatch.setattr(reruns, "PORTION", 1)
    load(app, OLD)
    for _ in range(3):
        world.analyse(world.case(gp), 0.2)
    load(app, NEW)
    start(app, admin)
    feed(app)
    assert "Re-run in progress" in shown(admin)
    assert 'data-poll="/admin/models/progress"' in admin.get("/admin/models/progress").text
    admin.submit("/admin/models/stop", page="/admin/models")
    work(app, fresh())
    assert feed(app) == 0
    assert "1 of 1 images" in shown(admin)
    assert "stopped" in shown(admin)
    assert "data-poll" not in admin.get("/admin/models/progress").text
    start(app, admin)
    monkeypatch.setattr(reruns, "PORTION", 20)
    assert feed(app) == 2


def test_stopping_nothing_does_nothing(app: Flask, admin: CheckedClient) -> None:
    load(app, OLD)
    admin.submit("/admin/models/stop", page="/admin/models")
    assert actions(app) == []


def test_the_number_of_queries_does_not_grow(app: Flask, world: World, gp: str, admin: CheckedClient) -> None:
    def queries() -> int:
        with counted_queries(app) as statements:
            shown(admin)
        return len(statements)

    load(app, OLD)
    world.analyse(world.case(gp), 0.2)
    load(app, NEW)
    start(app, admin)
    feed(app)
    few = queries()
    for index in range(5):
        world.analyse(world.case(gp), 0.2, weights_sha256=str(index + 2) * 64)
    assert queries() == few <= 12
    with app.app_context(), reading() as session:
        assert session.query(Rerun).count() == 1


def test_a_rerun_is_asked_first(app: Flask, world: World, gp: str, admin: CheckedClient) -> None:
    load(app, OLD)
    world.analyse(world.case(gp, images=2), 0.2)
    load(app, NEW)
    with app.app_context(), reading() as session:
        version = session.scalars(select(ModelVersion.id).where(ModelVersion.weights_sha256 == NEW)).one()
    asked = admin.submit(f"/admin/models/{version}/rerun", page="/admin/models")
    assert asked.status_code == 200
    assert "2 images of earlier cases are analysed again with test-model, after new uploads." in words(asked.text)
    assert count(app, Rerun) == 0
    start(app, admin)
    assert count(app, Rerun) == 1


def test_a_rerun_of_nothing_is_not_started(app: Flask, world: World, gp: str, admin: CheckedClient) -> None:
    """Neither when the model has analysed every image, nor when those left are waiting for it anyway."""
    load(app, NEW)
    world.finish(world.case(gp), fresh(0.2))
    world.case(gp)
    start(app, admin)
    page = shown(admin)
    assert "Nothing to do: this model has analysed every earlier image" in page
    assert "0 of 0" not in page
    assert count(app, Rerun) == 0


def test_while_the_model_is_switched_off_a_re_run_waits(app: Flask, world: World, gp: str, admin) -> None:
    load(app, OLD)
    world.analyse(world.case(gp), 0.02)
    load(app, NEW)
    start(app, admin)
    switch(admin, "off")
    assert feed(app) == 0
    with app.app_context(), reading() as session:
        assert session.query(Rerun).one().ended_at is None
    switch(admin, "on")
    assert feed(app) == 1


def test_while_the_model_is_switched_off_no_re_run_starts(app: Flask, world: World, gp: str, admin) -> None:
    load(app, OLD)
    world.analyse(world.case(gp), 0.02)
    load(app, NEW)
    switch(admin, "off")
    start(app, admin)
    assert count(app, Rerun) == 0
    assert "this model is not loaded or switched off" in shown(admin)
