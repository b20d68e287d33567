"""Wrong patient or image, seen later: corrected or void, with a reason, on the record, and the other side is told."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import World
from tests.web.helpers import WITHDRAWAL, actions, number_of, send, stored_case, user_id, words
from tests.web.reading import decide, take
from tests.web.test_blinded import switch
from tests.web.test_changes import amend, undo
from tests.web.test_export import exported
from tests.web.test_opinions import ask
from tests.web.test_unread import badge, to_read
from tests.web_client import CheckedClient
from webapp.admin.reports import facts
from webapp.core.database import reading
from webapp.models import CaseState, Role, utcnow

pytestmark = pytest.mark.usefixtures("letters_in_words")

BIOPSY = {"diagnosis": "bcc", "management": "biopsy", "advice": "Stop aspirin."}
REASON = "Two <patients> mixed up."
SAID = "Two &lt;patients&gt; mixed up."
VOID = "Void: entered in error"


@pytest.fixture
def client(gp: str, sign_in) -> CheckedClient:
    return sign_in(gp)


def form_of(client: CheckedClient, number: str) -> dict[str, str]:
    """What the page's hidden fields say."""
    page = client.get(f"/corrections/{number}").text
    return {
        name: found.group(1)
        for name in ("since", "seen")
        if (found := re.search(rf'name="{name}"[^>]*value="([^"]*)"', page))
    }


def void(client: CheckedClient, number: str, **changes: str) -> TestResponse:
    form = {"reason": REASON, "since": form_of(client, number).get("since", ""), **changes}
    return client.submit(f"/corrections/{number}/void", form, page=f"/corrections/{number}")


def correct(client: CheckedClient, number: str, reference: str = "RIGHT-1", **changes: str) -> TestResponse:
    form = {**form_of(client, number), "patient_reference": reference, "reason": REASON, **changes}
    return client.submit(f"/corrections/{number}/reference", form, page=f"/corrections/{number}")


def answered(world: World, gp: str, reader: CheckedClient, **decision: str) -> str:
    number = world.case(gp)
    world.analyse(number, 0.02)
    take(reader, number)
    assert decide(reader, number, **(decision or BIOPSY)).status_code == 302
    return number


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301])
def test_both_need_a_reason(app: Flask, world: World, gp: str, client, reader, reason: str) -> None:
    number = answered(world, gp, reader)
    for refused in (void(client, number, reason=reason), correct(client, number, reason=reason)):
        assert refused.status_code == 422
        assert "There is a problem" in refused.text
    assert "RIGHT-1" in correct(client, number, reason=reason).text, "nothing typed is lost"
    with stored_case(app, number) as case:
        assert (case.state, case.patient_reference) == (CaseState.REVIEWED, "TEST-1")


@pytest.mark.control("H10.4")
def test_a_void_answer_is_marked_everywhere_and_stays_on_the_record(
    app: Flask, world: World, gp: str, client, reader
) -> None:
    number = answered(world, gp, reader)
    client.get(f"/cases/{number}")
    assert void(client, number).status_code == 302
    page = client.get(f"/cases/{number}")
    assert "Stop aspirin." in page.text, "nothing is deleted"
    assert "Void: do not act on it." in words(page.text)
    assert SAID in page.text
    assert "Act on this now" not in page.text
    assert "/close" not in page.text
    assert VOID in words(client.get("/cases/").text)
    assert number in client.get("/cases/?only=void").text
    for reads in (client, reader):
        report = reads.get(f"/media/letters/{number}.pdf").data.decode()
        assert "VOID: entered in error. Do not act on this report." in report
        assert "VOID · Case" in words(report)
        assert SAID in report
    seen = words(reader.get(f"/review/{number}").text)
    assert "Void: do not act on it." in seen
    assert SAID in reader.get(f"/review/{number}").text
    assert "Change this decision" not in seen
    assert "void: entered in error" in words(reader.get("/review/decided").text)
    assert "case.voided" in actions(app)
    with stored_case(app, number) as case:
        assert (case.state, case.is_open, len(case.reviews)) == (CaseState.VOIDED, False, 1)


def test_a_later_case_of_the_lesion_does_not_repeat_a_void_answer(
    app: Flask, world: World, gp: str, client, reader
) -> None:
    earlier, later = answered(world, gp, reader), world.case(gp)
    assert client.submit(f"/cases/{later}/follow", {"follows": earlier}, page=f"/cases/{later}").status_code == 302
    assert "basal cell carcinoma, biopsy" in words(reader.get(f"/review/{later}").text)
    assert void(client, earlier).status_code == 302
    seen = words(reader.get(f"/review/{later}").text)
    assert "void, entered in error" in seen
    assert "basal cell carcinoma, biopsy" not in seen


def test_nothing_more_can_be_done_with_it(app: Flask, world: World, gp: str, client, reader) -> None:
    number = answered(world, gp, reader)
    with stored_case(app, number) as case:
        seen = case.reviews[0].id
    assert void(reader, number).status_code == 302
    assert client.submit(f"/cases/{number}/close", page="/cases/new").status_code == 409
    assert client.submit(f"/cases/{number}/withdraw", WITHDRAWAL, page="/cases/new").status_code == 409
    assert client.get(f"/histology/{number}").status_code == 409
    assert reader.submit(f"/review/{number}/claim", page="/profile").status_code == 409
    assert amend(reader, number, **BIOPSY).status_code == 409
    assert reader.submit(f"/review/{number}/undo", {"seen": seen}, page="/profile").status_code == 409
    with stored_case(app, number) as case:
        assert (case.state, len(case.reviews)) == (CaseState.VOIDED, 1)
    world.refresh(number)


def test_an_answer_that_nobody_opened_is_shown_to_no_gp(app: Flask, world: World, gp: str, client, reader) -> None:
    number = answered(world, gp, reader)
    assert void(reader, number).status_code == 302
    for address in ("/cases/", f"/cases/{number}", f"/cases/{number}/status"):
        assert "Basal cell" not in client.get(address).text
        assert "Stop aspirin" not in client.get(address).text
    assert client.get(f"/media/letters/{number}.pdf").status_code == 404
    assert "Void: do not act on it." in words(reader.get(f"/review/{number}").text)
    assert "answer.read" not in actions(app)


def test_the_reader_at_work_is_told_and_keeps_the_words(
    app: Flask, world: World, gp: str, client, reader, sign_in
) -> None:
    number = world.case(gp)
    take(reader, number)
    colleague = sign_in(world.user(Role.DERMATOLOGIST, name="Test Second"))
    assert void(colleague, number).status_code == 302
    late = decide(reader, number, advice="My words")
    assert late.status_code == 409
    assert f"Test Second has voided this case: entered in error. Reason: {SAID}" in words(late.text)
    assert "My words" in late.text
    assert number not in reader.get("/review/").text
    assert number in reader.get(f"/review/?q={number}").text
    assert "void: entered in error" in words(reader.get(f"/review/?q={number}").text)
    with stored_case(app, number) as case:
        assert [claim.released_at for claim in case.claims] == [case.closed_at]


@pytest.mark.control("H10.4")
def test_both_sides_are_told_until_they_open_it(world: World, gp: str, client, reader, sign_in) -> None:
    sender, colleague = client, sign_in(world.user(Role.GP))
    number = answered(world, gp, reader)
    for gp_of_the_centre in (sender, colleague):
        gp_of_the_centre.get(f"/cases/{number}")
    assert void(reader, number).status_code == 302
    assert (badge(sender), badge(colleague), badge(reader)) == ("1", "1", "")
    assert "Do not act on it. Open the case to read why" in words(sender.get("/cases/").text)
    sender.get(f"/cases/{number}")
    assert (to_read(sender), to_read(colleague)) == ([], [number])
    other = answered(world, gp, reader)
    assert void(colleague, other).status_code == 302
    assert badge(reader) == "1"
    assert to_read(sender) == [other]
    assert "Corrected or voided since you decided" in reader.get("/review/decided").text
    reader.get(f"/review/{other}")
    assert badge(reader) == ""
    assert "Corrected or voided since you decided" not in reader.get("/review/decided").text


def test_a_decision_meanwhile_must_be_seen_first(app: Flask, world: World, gp: str, client, reader) -> None:
    number = world.case(gp)
    opened = form_of(reader, number)["since"]
    take(reader, number)
    assert decide(reader, number).status_code == 302
    for stale in (opened, "", "nonsense", (utcnow() - timedelta(days=1)).isoformat()):
        refused = void(client, number, since=stale)
        assert refused.status_code == 409
        assert "an answer was given or taken back since you opened this page" in words(refused.text)
        assert SAID in refused.text, "nothing typed is lost"
    opened = form_of(client, number)["since"]
    undo(reader, number)
    assert void(reader, number, since=opened).status_code == 409, "the answer was taken back"
    with stored_case(app, number) as case:
        assert case.state is CaseState.IN_REVIEW


def test_a_form_with_a_mistake_does_not_forget_when_the_page_was_opened(world: World, gp: str, client, reader) -> None:
    number = answered(world, gp, reader)
    opened = form_of(client, number)["since"]
    assert amend(reader, number, diagnosis="benign", management="routine_clinic").status_code == 302
    refused = void(client, number, since=opened, reason="")
    assert refused.status_code == 422
    assert opened.replace("+", "&#43;") in refused.text or opened in refused.text


def test_twice_is_once_and_a_withdrawn_case_is_not_voided(app: Flask, world: World, gp: str, client, reader) -> None:
    number = answered(world, gp, reader)
    since = form_of(client, number)["since"]
    for _ in range(2):
        form = {"reason": REASON, "since": since}
        assert client.submit(f"/corrections/{number}/void", form, page=f"/corrections/{number}").status_code == 302
    assert actions(app).count("case.voided") == 1
    withdrawn = world.case(gp)
    assert "withdraw the case" in client.get(f"/corrections/{withdrawn}").text, "there is one way to end a waiting case"
    client.submit(f"/cases/{withdrawn}/withdraw", WITHDRAWAL, page=f"/cases/{withdrawn}")
    late = void(reader, withdrawn, since=utcnow().isoformat())
    assert late.status_code == 409
    assert "has been withdrawn" in late.text


def test_a_reopened_case_can_be_voided(app: Flask, world: World, gp: str, client, reader) -> None:
    number = world.case(gp)
    take(reader, number)
    decide(reader, number)
    client.get(f"/cases/{number}")
    world.analyse(number, 0.95)
    with stored_case(app, number) as case:
        assert case.reopened
    assert void(client, number).status_code == 302
    with stored_case(app, number) as case:
        assert (case.state, case.reopened) == (CaseState.VOIDED, None)
    assert "re-opened" not in client.get(f"/cases/{number}").text


def test_it_counts_in_no_report_as_answered(app: Flask, world: World, gp: str, client, reader, sign_in) -> None:
    admin = sign_in(world.user(Role.ADMIN))
    kept, number = answered(world, gp, reader), answered(world, gp, reader)
    client.submit(f"/histology/{number}", {"result": "bcc"}, page=f"/histology/{number}")
    assert void(reader, number).status_code == 302
    rows = {row["case"]: row for row in exported(admin)}
    empty = ("decided_at", "diagnosis", "management", "histology", "reader")
    assert [rows[number][name] for name in empty] == [""] * len(empty)
    assert (rows[number]["state"], rows[number]["decisions"]) == ("voided", "0")
    assert rows[kept]["diagnosis"] == "bcc"
    with app.app_context(), reading():
        assert facts.gather([utcnow() - timedelta(days=1)]).total == 1


def test_the_same_images_can_be_sent_again(app: Flask, client, reader) -> None:
    first = number_of(send(client))
    take(reader, first)
    decide(reader, first)
    client.get(f"/cases/{first}")
    assert void(client, first).status_code == 302
    assert f"/cases/new?again={first}" in client.get(f"/cases/{first}").text
    assert "PC-7/2026" in client.get(f"/cases/new?again={first}").text
    second = number_of(send(client))
    with stored_case(app, second) as case:
        assert "already_sent" not in case.images[0].quality_flags
    assert f"/cases/{first}" not in client.get(f"/cases/{second}").text, "nor is it offered as an earlier case"


def test_nobody_owes_an_opinion_on_it(app: Flask, world: World, gp: str, client, reader, sign_in) -> None:
    email = world.user(Role.DERMATOLOGIST)
    asked = sign_in(email)
    number = answered(world, gp, reader)
    ask(reader, number, user_id(app, email))
    assert (badge(asked), number in asked.get("/review/opinions").text) == ("1", True)
    assert void(client, number).status_code == 302
    assert (badge(asked), number in asked.get("/review/opinions").text) == ("", False)
    opinion = {"diagnosis": "bcc", "management": "biopsy"}
    assert asked.submit(f"/review/{number}/opinion", opinion, page="/profile").status_code == 409


def test_another_centre_and_an_administrator_can_do_neither(app: Flask, world: World, gp: str, sign_in) -> None:
    number = world.case(gp)
    for stranger, code in ((world.user(Role.GP, centre="Test Centre B"), 404), (world.user(Role.ADMIN), 403)):
        client = sign_in(stranger)
        assert client.get(f"/corrections/{number}").status_code == code
        for what in ("void", "reference"):
            form = {"reason": REASON, "patient_reference": "RIGHT-1"}
            assert client.submit(f"/corrections/{number}/{what}", form, page="/profile").status_code == code


def test_a_blinded_reader_can_void_what_is_not_a_patients_lesion(app: Flask, world: World, gp: str, sign_in) -> None:
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    switch(reader, on=True)
    number = world.case(gp)
    take(reader, number)
    assert void(reader, number).status_code == 302
