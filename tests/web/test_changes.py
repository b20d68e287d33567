"""A decision taken back or amended: every row stays, the one in force is shown, and the GP is notified again."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import World
from tests.web.helpers import WITHDRAWAL, actions, counted_queries, standing, stored_case, words
from tests.web.reading import all_of, decide, take, take_over
from tests.web_client import CheckedClient
from webapp.core.database import reading, transaction
from webapp.models import CaseState, Diagnosis, Management, Review, Role

BIOPSY = {"diagnosis": "bcc", "management": "biopsy", "advice": "Stop <aspirin>.", "pattern_AT": "present"}


@pytest.fixture
def gp_email(world: World) -> str:
    return world.user(Role.GP)


@pytest.fixture
def gp(gp_email: str, sign_in) -> CheckedClient:
    return sign_in(gp_email)


@pytest.fixture
def number(world: World, gp_email: str) -> str:
    number = world.case(gp_email)
    world.analyse(number, 0.02)
    return number


@pytest.fixture
def colleague(world: World, sign_in) -> CheckedClient:
    return sign_in(world.user(Role.DERMATOLOGIST, name="Test Colleague"))


def decided(client: CheckedClient, number: str, **form: object) -> None:
    take(client, number)
    assert decide(client, number, **form).status_code == 302


def standing_id(app: Flask, number: str) -> int:
    with stored_case(app, number) as case:
        return standing(case).id


def undo(client: CheckedClient, number: str, seen: object = None):
    seen = seen or standing_id(client.application, number)
    return client.submit(f"/review/{number}/undo", {"seen": seen}, page="/profile")


def amend(client: CheckedClient, number: str, reason: str = "Read again.", seen: object = None, **form: object):
    seen = seen or standing_id(client.application, number)
    answers = {"diagnosis": "bcc", "management": "biopsy", "amendment_reason": reason, "seen": seen}
    answers |= {"shown": all_of(client, number)} | form
    return client.submit(f"/review/{number}/amend", answers, page="/profile")


def later(app: Flask, minutes: float) -> None:
    """Make the stored decisions that much older."""
    with app.app_context(), transaction() as session:
        for review in session.scalars(select(Review)):
            review.decided_at -= timedelta(minutes=minutes)


def rows(app: Flask) -> list[tuple[Diagnosis, Management, bool]]:
    with app.app_context(), reading() as session:
        found = session.scalars(select(Review).order_by(Review.id))
        return [(review.diagnosis, review.management, review.retraction is not None) for review in found]


def form_of(page: str) -> set[str]:
    """The values selected in the form on a page."""
    return set(re.findall(r'<input(?=[^>]*checked)[^>]*value="([^"]+)"', page))


# --- taking back


def test_after_deciding_the_way_back_is_offered(reader, number: str) -> None:
    decided(reader, number)
    flash = words(reader.get("/review/").text)
    assert f"Decision saved for case {number}" in flash
    assert "take it back until" in flash
    page = reader.get(f"/review/{number}").text
    assert "Take back this decision" in page
    assert "Change this decision" in page


def test_taken_back_the_reader_goes_on_where_it_was(app: Flask, gp, reader, number: str) -> None:
    decided(reader, number, **BIOPSY)
    assert undo(reader, number).location == f"/review/{number}"
    page = reader.get(f"/review/{number}").text
    assert "Claimed by you until" in page
    assert form_of(page) >= {"bcc", "biopsy", "present"}
    assert "Stop &lt;aspirin&gt;." in page
    assert rows(app) == [(Diagnosis.BCC, Management.BIOPSY, True)]
    with stored_case(app, number) as case:
        assert (case.state, case.is_open, case.standing_review) == (CaseState.IN_REVIEW, True, None)
    assert actions(app)[-1] == "case.decision_undone"
    seen_by_gp = words(gp.get(f"/cases/{number}").text)
    assert "was taken back by Test Reader, who is reviewing the case again" in seen_by_gp
    assert "Stop" not in seen_by_gp
    assert "nav-badge" not in gp.get("/cases/").text


def test_the_decision_after_that_is_the_answer(app: Flask, gp, reader, number: str) -> None:
    decided(reader, number, **BIOPSY)
    undo(reader, number)
    assert decide(reader, number).status_code == 302
    assert [taken_back for *_, taken_back in rows(app)] == [True, False]
    page = words(gp.get(f"/cases/{number}").text)
    assert "Benign lesion" in page
    assert "taken back" not in page
    history = words(reader.get(f"/review/{number}").text)
    assert "Earlier decisions (1)" in history
    assert "Basal cell carcinoma: Biopsy" in history


def test_a_colleague_does_not_find_the_form_filled_in(reader, colleague, number: str) -> None:
    decided(reader, number, **BIOPSY)
    undo(reader, number)
    take_over(colleague, number)
    page = colleague.get(f"/review/{number}").text
    assert "Your decision" in page
    assert not form_of(page) & {"bcc", "biopsy", "present"}


def test_the_time_for_it_ends(app: Flask, reader, number: str) -> None:
    decided(reader, number)
    later(app, 4.9)
    assert "Take back this decision" in reader.get(f"/review/{number}").text
    later(app, 0.2)
    assert "Take back this decision" not in reader.get(f"/review/{number}").text
    assert undo(reader, number).status_code == 302
    assert "can no longer be taken back: the time for it ended at" in words(reader.get(f"/review/{number}").text)
    assert [taken_back for *_, taken_back in rows(app)] == [False]


def test_who_opened_the_answer_ends_it_and_the_page_says_so(app: Flask, gp, reader, number: str) -> None:
    """The hint of before said a time; it ended earlier."""
    decided(reader, number)
    before = words(reader.get(f"/review/{number}").text)
    assert "unless the GP opens it first" in before
    assert "No longer possible" not in before
    gp.get(f"/cases/{number}")
    page = words(reader.get(f"/review/{number}").text)
    assert re.search(r"No longer possible to take back: Test GP opened it at \d+ \w+ \d{4}, \d\d:\d\d UTC\.", page)
    undo(reader, number)
    told = words(reader.get(f"/review/{number}").text)
    assert "can no longer be taken back: Test GP opened it at" in told
    later(app, 5.1)
    assert "No longer possible" not in reader.get(f"/review/{number}").text, "nobody expects it any more"


def test_waiting_ends_with_the_decision(app: Flask, reader, number: str) -> None:
    assert "· waiting" in reader.get(f"/review/{number}").text
    decided(reader, number)
    assert "· waiting" not in reader.get(f"/review/{number}").text


def test_what_the_gp_has_closed_is_not_taken_back(app: Flask, gp, reader, number: str) -> None:
    decided(reader, number)
    gp.submit(f"/cases/{number}/close", page=f"/cases/{number}")
    undo(reader, number)
    assert [taken_back for *_, taken_back in rows(app)] == [False]
    with stored_case(app, number) as case:
        assert case.state is CaseState.CLOSED


def test_a_colleagues_decision_is_not_taken_back(app: Flask, reader, colleague, number: str) -> None:
    decided(reader, number)
    assert "Take back this decision" not in colleague.get(f"/review/{number}").text
    undo(colleague, number)
    assert [taken_back for *_, taken_back in rows(app)] == [False]


def test_taking_back_twice_is_once(app: Flask, reader, number: str) -> None:
    decided(reader, number)
    seen = standing_id(app, number)
    assert undo(reader, number, seen).status_code == 302
    assert undo(reader, number, seen).status_code == 409
    assert actions(app).count("case.decision_undone") == 1


@pytest.mark.parametrize("seen", ["junk", "-3", "999999", "9" * 30])
def test_only_the_decision_that_was_shown_is_taken_back(app: Flask, reader, number: str, seen: str) -> None:
    decided(reader, number)
    assert undo(reader, number, seen).status_code == 409
    assert [taken_back for *_, taken_back in rows(app)] == [False]


def test_a_request_for_images_is_taken_back_until_they_come(app: Flask, gp, reader, number: str) -> None:
    decided(reader, number, management="retake", advice="Sharper, please.")
    undo(reader, number)
    with stored_case(app, number) as case:
        assert case.state is CaseState.IN_REVIEW
    page = gp.get(f"/cases/{number}").text
    assert "Sharper" not in page
    assert "Send new images" not in page


# --- amending


@pytest.mark.control("H4.2")
def test_an_amendment_is_a_new_row_and_the_gp_is_told_anew(app: Flask, gp, reader, colleague, number: str) -> None:
    decided(reader, number, advice="Nothing to do.")
    gp.submit(f"/cases/{number}/close", page=f"/cases/{number}")
    assert "nav-badge" not in gp.get("/cases/").text
    later(app, 60)
    assert amend(colleague, number, "Histology of <another> lesion.").location == f"/review/{number}"
    assert rows(app) == [
        (Diagnosis.BENIGN, Management.ROUTINE_CLINIC, False),
        (Diagnosis.BCC, Management.BIOPSY, False),
    ]
    with stored_case(app, number) as case:
        assert (case.state, case.closed_at) == (CaseState.REVIEWED, None)
        assert case.reviews[1].amends_id == case.reviews[0].id
        assert case.reviews[0].advice == "Nothing to do."
    assert actions(app)[-1] == "case.amended"
    assert "nav-badge" in gp.get("/cases/").text
    page = words(gp.get(f"/cases/{number}").text)
    assert "This decision was changed. Reason: Histology of &lt;another&gt; lesion." in page
    assert "Test Reader: Benign lesion. Routine dermatology appointment" in page
    assert page.index("Biopsy") < page.index("Benign lesion")
    assert gp.submit(f"/cases/{number}/close", page=f"/cases/{number}").status_code == 302


def test_the_form_starts_from_the_decision_in_force(reader, colleague, number: str) -> None:
    decided(reader, number, **BIOPSY)
    page = colleague.get(f"/review/{number}/amend").text
    assert form_of(page) >= {"bcc", "biopsy", "present"}
    assert "Stop &lt;aspirin&gt;." in page


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"reason": ""}, "Enter a reason for the change"),
        ({"reason": "  "}, "Enter a reason for the change"),
        ({"reason": "x" * 2001}, "under 2,000"),
        ({"diagnosis": "flu"}, "Not a valid choice"),
        ({"management": "reassure"}, "Enter a reason: "),
        ({"management": "retake"}, "Tell the GP what the new images should show"),
    ],
)
def test_a_mistake_keeps_the_rest_and_changes_nothing(
    app: Flask, reader, number: str, form: dict, message: str
) -> None:
    decided(reader, number)
    refused = amend(reader, number, **({"reason": "Typed <reason>."} | form))
    assert refused.status_code == 422
    assert message in words(refused.text)
    if "reason" not in form:
        assert "Typed &lt;reason&gt;." in refused.text
    assert len(rows(app)) == 1


def test_of_two_amendments_at_a_time_the_second_is_told(app: Flask, reader, colleague, number: str) -> None:
    decided(reader, number)
    seen = standing_id(app, number)
    amend(colleague, number, seen=seen)
    late = amend(reader, number, "My own reason.", seen=seen)
    assert late.status_code == 409
    assert "Someone else has changed the decision" in late.text
    assert "My own reason." in late.text
    assert len(rows(app)) == 2


def test_an_open_or_withdrawn_case_cannot_be_amended(app: Flask, gp, reader, number: str) -> None:
    assert reader.get(f"/review/{number}/amend").status_code == 409
    decided(reader, number, management="retake", advice="Sharper, please.")
    gp.submit(f"/cases/{number}/withdraw", WITHDRAWAL, page=f"/cases/{number}")
    assert reader.get(f"/review/{number}/amend").status_code == 409
    assert amend(reader, number).status_code == 409
    assert "Change this decision" not in reader.get(f"/review/{number}").text


def test_an_amendment_taken_back_leaves_the_decision_before_it(app: Flask, gp, reader, number: str) -> None:
    decided(reader, number)
    amend(reader, number)
    undo(reader, number)
    assert [taken_back for *_, taken_back in rows(app)] == [False, True]
    with stored_case(app, number) as case:
        assert (case.state, case.is_open) == (CaseState.REVIEWED, False)
        assert standing(case).diagnosis is Diagnosis.BENIGN
    page = words(gp.get(f"/cases/{number}").text)
    assert "Benign lesion" in page
    assert "Biopsy" not in page


def test_a_decision_becomes_a_request_for_images_and_back(app: Flask, gp, reader, number: str) -> None:
    decided(reader, number)
    amend(reader, number, management="retake", advice="Please focus.")
    assert "Send new images" in gp.get(f"/cases/{number}").text
    amend(reader, number, advice="")
    with stored_case(app, number) as case:
        assert case.state is CaseState.REVIEWED
    assert "Send new images" not in gp.get(f"/cases/{number}").text


def test_my_decisions_say_which_are_no_longer_in_force(app: Flask, reader, gp, gp_email, world, number: str) -> None:
    decided(reader, number)
    amend(reader, number)
    other = world.case(gp_email)
    decided(reader, other)
    undo(reader, other)
    page = reader.get("/review/decided").text
    assert page.count("<span>no longer in force</span>") == 1
    assert page.count("<span>taken back</span>") == 1


def test_changes_of_another_kind_of_user_or_case_do_not_exist(app: Flask, gp, reader, number: str) -> None:
    decided(reader, number)
    assert gp.get(f"/review/{number}/amend").status_code == 403
    assert reader.get("/review/DT-NOTHING/amend").status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_changes(app: Flask, gp, reader, number: str) -> None:
    decided(reader, number)

    def queries(client: CheckedClient, path: str) -> int:
        with counted_queries(app) as statements:
            assert client.get(path).status_code == 200
        return len(statements)

    pages = [(reader, f"/review/{number}"), (reader, "/review/decided"), (gp, f"/cases/{number}"), (gp, "/cases/")]
    before = [queries(*page) for page in pages]
    for _ in range(5):
        amend(reader, number)
    assert [queries(*page) for page in pages] == before


@pytest.mark.parametrize("field", ["diagnosis", "management", "pattern_AT"])
def test_an_answer_that_no_page_offers_is_refused(app: Flask, reader: CheckedClient, number: str, field: str) -> None:
    decided(reader, number, **BIOPSY)
    refused = amend(reader, number, advice="My words", **{field: "=1+1"})
    assert refused.status_code == 422
    assert "My words" in refused.text
    with stored_case(app, number) as case:
        assert len(case.reviews) == 1
