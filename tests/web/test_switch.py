"""The model's off-switch: nothing of the model anywhere, cases by urgency and time, and afterwards nothing is lost."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import World, outcome
from tests.web.helpers import SURE, actions, change_case, count, stored_case, words
from tests.web.reading import decide, take
from tests.web.test_worklist import headed, rows
from tests.web_client import CheckedClient
from webapp.admin.operation import placing
from webapp.analysis import leases, reruns, results
from webapp.cases import letter
from webapp.core.database import reading, transaction
from webapp.models import (
    Analysis,
    AnalysisState,
    CaseState,
    ModelSwitch,
    ReopenReason,
    Role,
    TriageReason,
    Urgency,
    User,
    utcnow,
)
from webapp.storage.store import store_of
from webapp.triage import switch
from webapp.triage.rank import Section


def turn(admin: CheckedClient, *, off: bool, reason: str = "Test: figures look odd."):
    return admin.submit(f"/admin/models/{'off' if off else 'on'}", {**SURE, "reason": reason}, page="/admin/models")


@pytest.fixture
def number(world: World, gp: str) -> str:
    number = world.case(gp)
    world.analyse(number, 0.9, melanoma=0.8)
    return number


def test_it_is_asked_first_with_a_reason_and_audited(app: Flask, admin: CheckedClient) -> None:
    asked = admin.submit("/admin/models/off", page="/admin/models")
    assert "Switch the model off?" in asked.text
    refused = turn(admin, off=True, reason="  ")
    assert refused.status_code == 422
    assert "Enter a reason." in refused.text
    assert count(app, ModelSwitch) == 0
    assert turn(admin, off=True).status_code == 302
    page = words(admin.get("/admin/models").text)
    assert "off, by Test Administrator. Reason: Test: figures look odd." in page
    assert "on: yes → no" in words(admin.get("/admin/audit").text)
    turn(admin, off=False, reason="Looked into.")
    assert actions(app) == ["model.switched", "model.switched"]


def test_the_same_again_changes_nothing(app: Flask, admin: CheckedClient) -> None:
    turn(admin, off=False)
    assert count(app, ModelSwitch) == 0
    turn(admin, off=True)
    turn(admin, off=True)
    assert count(app, ModelSwitch) == 1


@pytest.mark.parametrize("role", Role)
def test_every_page_says_so_to_everyone(app: Flask, world: World, sign_in, admin, role: Role) -> None:
    client = sign_in(world.user(role))
    assert "switched off" not in client.get("/profile").text
    turn(admin, off=True)
    assert re.search(
        r"The model is switched off since .+: cases are ordered by urgency and time\.",
        words(client.get("/profile").text),
    )


@pytest.mark.control("H1.5")
def test_the_worklist_is_by_urgency_and_time(app: Flask, world: World, gp: str, admin, reader) -> None:
    """Whatever the model said of them. Re-opened and overdue cases stay first."""
    names = {}
    for name, urgency, hours, bcc in (
        ("routine, long", Urgency.ROUTINE, 90, 0.01),
        ("routine, short", Urgency.ROUTINE, 1, 0.99),
        ("soon, long", Urgency.SOON, 60, 0.01),
        ("soon, short", Urgency.SOON, 2, 0.5),
        ("urgent, short", Urgency.URGENT, 1, 0.01),
        ("urgent, long", Urgency.URGENT, 5, 0.99),
        ("re-opened", Urgency.ROUTINE, 1, 0.01),
        ("overdue", Urgency.ROUTINE, 24 * 300, 0.01),
        ("melanoma", Urgency.ROUTINE, 3, 0.01),
    ):
        number = world.case(gp, urgency=urgency)
        world.analyse(number, bcc, melanoma=0.9 if name == "melanoma" else 0.0)
        reopened = ReopenReason.SECOND_OPINION if name == "re-opened" else None
        change_case(app, number, waiting_since=utcnow() - timedelta(hours=hours), reopened=reopened)
        world.refresh(number)
        names[number] = name
    turn(admin, off=True)
    page = reader.get("/review/").text
    assert headed(page) == rows(page), "no section names what the model says"
    assert [names[number] for number in rows(page)] == [
        "re-opened",
        "overdue",
        "urgent, long",
        "urgent, short",
        "soon, long",
        "soon, short",
        "routine, long",
        "melanoma",
        "routine, short",
    ]
    turn(admin, off=False)
    page = reader.get("/review/").text
    assert page.index("Now") < page.index("Suspected")
    assert len(rows(page)) == 9


def test_deciding_needs_what_people_ask_for(app: Flask, world: World, gp: str, admin, reader) -> None:
    """That no case has a result says nothing about one of them; what people suspect still asks for a reason."""
    plain, own, asked = (world.case(gp) for _ in range(3))
    for number in (plain, own, asked):
        world.analyse(number, 0.9)
    change_case(app, asked, reopened=ReopenReason.HISTOLOGY)
    for number in (plain, own, asked):
        take(reader, number)
    assert decide(reader, plain, management="reassure").status_code == 422, "on, the model's suspicion needs a reason"
    turn(admin, off=True)
    page = reader.get(f"/review/{plain}").text
    assert "The model is switched off. Please decide without it." in page
    assert 'name="model_wrong"' not in page
    assert decide(reader, plain, management="reassure").status_code == 302
    refused = decide(reader, own, management="reassure", diagnosis="bcc")
    assert refused.status_code == 422
    assert "Enter a reason: your diagnosis is a skin cancer." in words(refused.text)
    refused = decide(reader, asked, management="reassure")
    assert "the earlier decision has been called into question" in words(refused.text)


def test_the_letter_says_that_no_model_was_used(
    app: Flask, world: World, gp: str, number, admin, reader, monkeypatch
) -> None:
    said: list[str] = []

    def drawn(page: str, _style: object) -> bytes:
        said.append(page)
        return b"%PDF"

    monkeypatch.setattr(letter, "_drawn", drawn)
    earlier = world.case(gp)
    for one, off in ((earlier, False), (number, True)):
        if off:
            turn(admin, off=True)
        take(reader, one)
        decide(reader, one, management="biopsy", diagnosis="bcc")
    turn(admin, off=False)
    for one in (earlier, number):
        assert reader.get(f"/media/letters/{one}.pdf").status_code == 200
    assert ["No model was used: it was switched off." in page for page in said] == [False, True]
    assert ["A model was used" in page for page in said] == [True, False]


def test_the_dashboard_counts_no_result(app: Flask, number, admin, reader) -> None:
    take(reader, number)
    decide(reader, number, diagnosis="bcc", management="biopsy")

    def suspects() -> list[str]:
        row = re.search(r"<tr><th scope=\"row\">Suspects BCC</th>(.+?)</tr>", admin.get("/admin/dashboard").text)
        assert row
        return words(row.group(1)).split()

    assert "1" in suspects()
    turn(admin, off=True)
    assert set(suspects()) == {"0"}


def test_the_gp_reads_why_there_is_no_analysis(app: Flask, world: World, sign_in, gp: str, admin) -> None:
    turn(admin, off=True)
    number = world.case(gp)
    with stored_case(app, number) as case:
        assert (case.state, case.triage_reason) == (CaseState.AWAITING_REVIEW, TriageReason.MODEL_OFF)
    assert "Switched off: a dermatologist reviews the case without it" in sign_in(gp).get(f"/cases/{number}").text


def analysis_of(app: Flask, number: str) -> Analysis:
    with app.app_context(), reading() as session:
        case_id = session.execute(select(Analysis).join(Analysis.image)).scalars().all()
        found = [one for one in case_id if one.image.case.number == number]
        session.expunge_all()
        return found[-1]


def test_nothing_is_analysed_and_what_was_running_waits(app: Flask, world: World, gp: str, admin) -> None:
    running, queued = world.case(gp), world.case(gp)
    with app.app_context(), transaction():
        assert leases.take_batch(analysis_of(app, running).id, "test") != []
    with app.app_context(), transaction() as session:  # a batch may have taken both
        for analysis in session.query(Analysis).filter(Analysis.id == analysis_of(app, queued).id):
            analysis.state, analysis.lease_owner, analysis.attempts = AnalysisState.QUEUED, None, 0
    turn(admin, off=True)
    with app.app_context(), transaction():
        assert leases.take_batch(analysis_of(app, queued).id, "other") == []
        assert leases.sweep() == 0
        assert reruns.feed() == 0
    with app.app_context(), transaction():
        assert not results.finish(analysis_of(app, running).id, "test", results.stored(outcome(0.9), store_of(app)))
    put_off = analysis_of(app, running)
    assert (put_off.state, put_off.attempts, put_off.bcc_probability) == (AnalysisState.QUEUED, 0, None)
    turn(admin, off=False)
    with app.app_context(), transaction() as session:
        session.query(Analysis).update({"queued_at": utcnow() - timedelta(hours=1)})
    with app.app_context(), transaction():
        assert leases.sweep() == 2
    with app.app_context(), transaction():
        assert leases.take_batch(put_off.id, "again") != []


@pytest.mark.control("H2.3")
@pytest.mark.parametrize(("management", "reopened"), [("reassure", True), ("biopsy", False)])
def test_on_again_what_nobody_knew_reopens_the_decision(
    app: Flask, world: World, gp: str, number: str, admin, reader, management: str, reopened: bool
) -> None:
    """A result that was there before, and hidden; one decided with the model in sight is left alone."""
    known, waiting = world.case(gp), world.case(gp)
    world.analyse(known, 0.9)
    world.analyse(waiting, 0.9)
    take(reader, known)
    assert decide(reader, known, management="reassure", override_reason="Seen.").status_code == 302
    turn(admin, off=True)
    take(reader, number)
    assert decide(reader, number, management=management).status_code == 302
    turn(admin, off=False)
    with stored_case(app, number) as case:
        assert (case.reopened is ReopenReason.LATE_RESULT) == reopened
        assert case.is_open == reopened
    with stored_case(app, known) as case:
        assert case.reopened is None


def test_a_result_that_waited_reopens_too(app: Flask, world: World, gp: str, admin, reader) -> None:
    turn(admin, off=True)
    number = world.case(gp)
    take(reader, number)
    decide(reader, number, management="reassure")
    turn(admin, off=False)
    world.analyse(number, 0.9)
    with stored_case(app, number) as case:
        assert case.reopened is ReopenReason.LATE_RESULT


def test_the_worker_places_what_a_request_has_no_time_for(
    app: Flask, world: World, gp: str, admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placing, "PORTION", 2)
    monkeypatch.setattr(placing, "AT_ONCE_SECONDS", 0.0)
    numbers = [world.case(gp) for _ in range(5)]
    for number in numbers:
        world.analyse(number, 0.9)

    def off() -> list[bool]:
        found = []
        for number in numbers:
            with stored_case(app, number) as case:
                found.append(case.triage_reason is TriageReason.MODEL_OFF and Section.of(case) is Section.NEEDS_PERSON)
        return found

    turn(admin, off=True)
    assert off() == [False] * 5
    assert "still placing open cases" in admin.get("/admin/models").text
    for placed, done in ((2, 2), (2, 4), (1, 5), (0, 5)):
        with app.app_context(), transaction():
            assert placing.place_open_cases() == placed
        assert off() == [True] * done + [False] * (5 - done)
    with app.app_context(), reading() as session:
        assert session.scalars(select(ModelSwitch.placed_up_to)).all() == [None]


def test_what_is_read_once_is_read_again_where_a_case_is_locked(app: Flask, world: World, number: str) -> None:
    """A transaction that has read the switch places a case by what holds by then."""
    with app.app_context(), transaction() as session:
        assert not switch.is_off()
        actor = session.scalars(select(User)).first()
        session.add(ModelSwitch(off=True, reason="x", switched_by=actor, placed_up_to=None))
        session.flush()
        assert not switch.is_off()
        world_case = session.scalars(select(Analysis)).first().image.case
        from webapp.triage import rank

        rank.refresh(world_case)
        assert world_case.triage_reason is TriageReason.MODEL_OFF


def test_only_the_rule_of_doubt_reads_the_result_in_force() -> None:
    """Everybody else asks `concern.result`, which knows the switch."""
    from webapp.core.config import PROJECT_ROOT

    allowed = {"webapp/models/image.py", "webapp/triage/concern.py", "webapp/analysis/reruns.py"}
    files = [*PROJECT_ROOT.glob("webapp/**/*.py"), *PROJECT_ROOT.glob("templates/**/*.html")]
    users = {str(f.relative_to(PROJECT_ROOT)) for f in files if "current_analysis" in f.read_text()}
    assert users == allowed
