"""Evidence of a cancer that comes after a decision re-opens the case; nothing else does."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import actions, change_case, standing, stored_case, user_id, words
from tests.web.reading import decide, take
from tests.web.test_changes import amend, undo
from tests.web.test_worklist import rows
from tests.web_client import CheckedClient
from webapp.core.database import transaction
from webapp.models import (
    Analysis,
    AnalysisState,
    Case,
    CaseState,
    Diagnosis,
    Management,
    ReopenReason,
    Role,
    utcnow,
)

CANCER = {"probability": 0.9}
MELANOMA: dict[str, Any] = {"probability": 0.01, "melanoma": 0.7}
REASON = {"override_reason": "Looks harmless."}


@pytest.fixture
def gp_email(world: World) -> str:
    return world.user(Role.GP)


@pytest.fixture
def gp(gp_email: str, sign_in) -> CheckedClient:
    return sign_in(gp_email)


@pytest.fixture
def number(world: World, gp_email: str) -> str:
    """A case not analysed yet."""
    return world.case(gp_email)


def decided(client: CheckedClient, number: str, management: str = "reassure", **form: object) -> None:
    take(client, number)
    words = {"advice": "Sharper, please." if management == "retake" else "", **REASON, **form}
    assert decide(client, number, management=management, **words).status_code == 302


def state(app: Flask, number: str) -> tuple[CaseState, ReopenReason | None]:
    with stored_case(app, number) as case:
        return case.state, case.reopened


def analyse_again(app: Flask, world: World, number: str, **result: Any) -> None:
    """A new analysis of each image replaces the previous one."""
    with app.app_context(), transaction() as session:
        case = session.query(Case).filter_by(number=number).one()
        for image in case.images:
            image.current_analysis.state = AnalysisState.SUPERSEDED
            session.flush()
            session.add(Analysis(image_id=image.id))
    world.analyse(number, **result)


@pytest.mark.control("H2.3")
@pytest.mark.parametrize("result", [CANCER, MELANOMA])
@pytest.mark.parametrize("management", ["reassure", "routine_clinic", "retake"])
def test_a_late_suspicion_calls_the_case_back(
    app: Flask, world: World, gp, gp_email, reader, number: str, management: str, result: dict
) -> None:
    decided(reader, number, management)
    world.case(gp_email)
    world.analyse(number, **result)
    assert state(app, number) == (CaseState.AWAITING_REVIEW, ReopenReason.LATE_RESULT)
    with stored_case(app, number) as case:
        assert 1.0 < case.rank < 1.5
    assert rows(reader.get("/review/").text)[0] == number
    assert "arrived after the decision and suspects a cancer" in words(reader.get("/review/").text)
    assert actions(app).count("case.reopened") == 1
    page = words(gp.get(f"/cases/{number}").text)
    assert "This case has been re-opened for review by a dermatologist." in page


@pytest.mark.parametrize("management", ["urgent_referral", "biopsy"])
def test_an_early_appointment_misses_nothing(app: Flask, world: World, reader, number: str, management: str) -> None:
    decided(reader, number, management)
    world.analyse(number, **CANCER)
    assert state(app, number) == (CaseState.REVIEWED, None)


@pytest.mark.parametrize("probability", [0.01, None])
def test_a_late_result_without_suspicion_changes_nothing(app: Flask, world: World, reader, number, probability) -> None:
    decided(reader, number)
    world.analyse(number, probability)
    assert state(app, number) == (CaseState.REVIEWED, None)


def test_what_the_reader_knew_calls_nothing_back(app: Flask, world: World, reader, number: str) -> None:
    world.analyse(number, **CANCER)
    decided(reader, number)
    analyse_again(app, world, number, **CANCER)
    assert state(app, number) == (CaseState.REVIEWED, None)


def test_a_better_model_calls_back_what_the_first_one_missed(app: Flask, world: World, gp, reader, number: str) -> None:
    world.analyse(number, 0.01)
    decided(reader, number)
    gp.submit(f"/cases/{number}/close", page=f"/cases/{number}")
    analyse_again(app, world, number, **CANCER)
    assert state(app, number) == (CaseState.AWAITING_REVIEW, ReopenReason.LATE_RESULT)


def test_a_reopened_case_begins_to_wait_anew(app: Flask, world: World, gp, reader, number: str) -> None:
    """It was answered in time: it is not overdue at once, and its due date counts from now."""
    decided(reader, number)
    sent, before = utcnow() - timedelta(days=60), utcnow()
    change_case(app, number, submitted_at=sent, waiting_since=sent)
    world.analyse(number, **CANCER)
    with stored_case(app, number) as case:
        assert (case.submitted_at, case.past_due) == (sent, False)
        reopened_at = case.waiting_since
        assert before <= reopened_at <= utcnow()
    page = reader.get("/review/").text
    assert number in page
    assert "Overdue since" not in page
    assert number not in reader.get("/review/?overdue=1").text
    gp.submit(f"/histology/{number}", {"result": "bcc"}, page="/profile")
    with stored_case(app, number) as case:
        assert case.waiting_since == reopened_at, "a further doubt about an open case changes nothing about its wait"


def test_the_answer_stays_in_force_until_somebody_decides_anew(app: Flask, world: World, gp, reader, number) -> None:
    decided(reader, number, advice="Nothing to do.")
    world.analyse(number, **CANCER)
    page = words(gp.get(f"/cases/{number}").text)
    assert "The answer below may change." in page
    assert "Nothing to do." in page
    assert "Withdraw this case" not in page
    take(reader, number)
    page = words(reader.get(f"/review/{number}").text)
    assert "Please review again." in page
    assert "in force until a new decision is made: Benign lesion. No appointment" in page
    assert decide(reader, number, diagnosis="bcc", management="biopsy").status_code == 302
    assert state(app, number) == (CaseState.REVIEWED, None)
    with stored_case(app, number) as case:
        first, second = case.reviews
        assert (second.amends_id, second.reopened) == (first.id, ReopenReason.LATE_RESULT)
    assert "nav-badge" in gp.get("/cases/").text
    page = words(gp.get(f"/cases/{number}").text)
    assert "This decision was changed. Reason: The model's result arrived after" in page.replace("&#39;", "'")


def test_no_appointment_once_more_needs_a_reason(world: World, reader, number: str) -> None:
    decided(reader, number)
    world.analyse(number, **MELANOMA)
    take(reader, number)
    assert decide(reader, number, management="reassure").status_code == 422
    assert decide(reader, number, management="reassure", **REASON).status_code == 302


def test_a_recalled_case_cannot_be_withdrawn(app: Flask, world: World, gp, reader, number: str) -> None:
    decided(reader, number)
    world.analyse(number, **CANCER)
    assert gp.submit(f"/cases/{number}/withdraw", page=f"/cases/{number}").status_code == 409
    assert state(app, number)[0] is CaseState.AWAITING_REVIEW


def test_taking_the_new_decision_back_asks_the_question_again(app: Flask, world: World, reader, number: str) -> None:
    decided(reader, number)
    world.analyse(number, **CANCER)
    take(reader, number)
    decide(reader, number, management="reassure", **REASON)
    undo(reader, number)
    assert state(app, number) == (CaseState.IN_REVIEW, ReopenReason.LATE_RESULT)
    with stored_case(app, number) as case:
        assert 1.0 < case.rank < 1.5
        assert standing(case).id == case.reviews[0].id


@pytest.mark.control("H2.3")
@pytest.mark.parametrize(
    ("result", "reopened"),
    [("bcc", True), ("other_malignant", True), ("in_situ", True), ("premalignant", False), ("benign", False)],
)
def test_a_histology_of_cancer(app: Flask, world: World, gp, reader, number: str, result: str, reopened: bool) -> None:
    decided(reader, number)
    gp.submit(f"/histology/{number}", {"result": result}, page="/profile")
    assert state(app, number)[1] is (ReopenReason.HISTOLOGY if reopened else None)
    assert ("Re-opened: Histology shows a cancer" in reader.get("/review/").text) is reopened


def test_a_histology_counts_in_a_case_that_is_already_open_again(app: Flask, world: World, gp, reader, number) -> None:
    decided(reader, number)
    world.analyse(number, **CANCER)
    gp.submit(f"/histology/{number}", {"result": "bcc"}, page="/profile")
    assert state(app, number) == (CaseState.AWAITING_REVIEW, ReopenReason.HISTOLOGY)


@pytest.mark.control("H2.3")
@pytest.mark.parametrize(
    ("diagnosis", "management", "reopened"),
    [("bcc", "routine_clinic", True), ("benign", "biopsy", True), ("benign", "routine_clinic", False)],
)
def test_a_second_opinion_that_sees_more(
    app: Flask, world: World, sign_in, reader, number: str, diagnosis: str, management: str, reopened: bool
) -> None:
    email = world.user(Role.DERMATOLOGIST)
    decided(reader, number)
    reader.submit(f"/review/{number}/opinions", {"colleague": user_id(app, email)}, page="/profile")
    form = {"diagnosis": diagnosis, "management": management}
    sign_in(email).submit(f"/review/{number}/opinion", form, page="/profile")
    assert state(app, number)[1] is (ReopenReason.SECOND_OPINION if reopened else None)


def test_an_amendment_to_less_than_the_model_asks_is_the_readers_own(app: Flask, world: World, reader, number) -> None:
    """The reader knew the model's result: nothing new has arrived."""
    decided(reader, number, "biopsy")
    world.analyse(number, **CANCER)
    assert amend(reader, number, management="reassure", **REASON).status_code == 302
    with stored_case(app, number) as case:
        assert (case.reopened, standing(case).management) == (None, Management.REASSURE)


@pytest.mark.control("H2.2")
@pytest.mark.parametrize(("result", "held_up"), [(CANCER, True), (MELANOMA, True), ({"probability": 0.01}, False)])
def test_a_suspicion_that_arrives_while_one_reads_is_seen_before_the_decision(
    app: Flask, world: World, reader, number: str, result: dict, held_up: bool
) -> None:
    take(reader, number)
    form = {"management": "routine_clinic", "advice": "Typed <words>.", "shown": shown(reader, number)}
    world.analyse(number, **result)
    answer = decide(reader, number, **form)
    assert answer.status_code == (422 if held_up else 302)
    if held_up:
        assert "a model result that suspects a cancer has arrived" in answer.text
        assert "Typed &lt;words&gt;." in answer.text
        assert decide(reader, number, **(form | {"shown": shown(reader, number)})).status_code == 302
    assert actions(app).count("case.decided") == 1


def shown(client: CheckedClient, number: str) -> str:
    """What the page's form says its reader has seen."""
    found = re.search(r'name="shown" value="([^"]*)"', client.get(f"/review/{number}").text)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("made_up", ["", "junk", "1,2,-3", "9" * 50])
def test_what_was_seen_cannot_be_made_up_into_an_error(world: World, reader, number: str, made_up: str) -> None:
    take(reader, number)
    assert decide(reader, number, shown=made_up).status_code == 422, "it counts as not seen"


def test_a_reopened_case_offers_no_letter(app: Flask, world: World, gp, reader, number) -> None:
    """Nobody should file a decision that has been called into question."""
    decided(reader, number)
    letter = f"/media/letters/{number}.pdf"
    assert letter in gp.get(f"/cases/{number}").text
    assert letter in reader.get(f"/review/{number}").text
    world.analyse(number, **CANCER)
    assert Diagnosis.BENIGN.label in gp.get(f"/cases/{number}").text
    assert letter not in gp.get(f"/cases/{number}").text
    assert gp.get(letter).status_code == 404
