"""The rule of doubt as a reader sees it: what needs a reason, what must be seen first, what passing time does."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from tests.conftest import World, outcome
from tests.unit.work import analysis_ids
from tests.web.helpers import change_case, in_force, jpeg, stored_case, user_id, words
from tests.web.reading import decide, put_back, take
from tests.web.test_changes import amend, undo
from tests.web.test_reopening import shown
from tests.web.test_retake import send_images
from tests.web.test_worklist import rows
from tests.web_client import CheckedClient
from webapp.analysis import leases, results
from webapp.core.database import transaction
from webapp.models import Analysis, AnalysisState, Case, CaseState, FailureReason, ReopenReason, Role, Urgency, utcnow
from webapp.storage.store import store_of
from webapp.triage.lift import lift_past_due
from webapp.triage.rank import Section

CALM = {"probability": 0.01}
MELANOMA = {"probability": 0.01, "melanoma": 0.95}
REASON = {"override_reason": "Seen in clinic last week."}


@pytest.fixture
def gp_email(world: World) -> str:
    return world.user(Role.GP)


@pytest.fixture
def gp(gp_email: str, sign_in) -> CheckedClient:
    return sign_in(gp_email)


@pytest.fixture
def colleague(world: World) -> str:
    return world.user(Role.DERMATOLOGIST, name="Test Colleague")


@pytest.fixture
def number(world: World, gp_email: str) -> str:
    """A case not analysed yet."""
    return world.case(gp_email)


def reassure(client: CheckedClient, number: str, **form: object) -> int:
    return decide(client, number, management="reassure", **form).status_code


def fail(app: Flask, number: str) -> None:
    with app.app_context(), transaction() as session, stored_case(app, number) as case:
        (analysis,) = (in_force(image) for image in case.images)
        session.execute(update(Analysis).values(state=AnalysisState.RUNNING, lease_owner="test", attempts=3))
        session.expire_all()
        results.give_up(analysis.id, "test", FailureReason.ERROR)


@pytest.mark.control("H2.1")
@pytest.mark.parametrize(
    ("result", "said"),
    [
        (MELANOMA, "the model suspects melanoma"),
        ({"probability": 0.9}, "the model suspects basal cell carcinoma"),
        ({"probability": None}, "no trusted result"),
        ({"probability": 0.01, "needs_person": True}, "no trusted result"),
        (None, "no trusted result"),
    ],
    ids=["melanoma", "BCC", "no probability", "unsure", "not analysed"],
)
def test_reassurance_needs_a_reason_that_names_the_concern(
    world: World, reader, number: str, result: dict | None, said: str
) -> None:
    if result is not None:
        world.analyse(number, **result)
    take(reader, number)
    answer = decide(reader, number, management="reassure")
    assert answer.status_code == 422
    assert said in words(answer.text)
    assert reassure(reader, number, **REASON) == 302


@pytest.mark.control("H2.1")
def test_so_does_a_failed_analysis(app: Flask, reader, number: str) -> None:
    fail(app, number)
    take(reader, number)
    assert reassure(reader, number) == 422


@pytest.mark.control("H1.1")
def test_one_image_without_a_trusted_result_is_enough(app: Flask, world: World, gp_email, reader) -> None:
    number = world.case(gp_email, images=2)
    world.analyse(number, **CALM)
    with app.app_context(), transaction() as session:
        case = session.query(Case).filter_by(number=number).one()
        case.images[1].current_analysis.needs_person = True
    take(reader, number)
    assert reassure(reader, number) == 422


def test_without_any_concern_no_reason_is_asked_for(world: World, reader, number: str) -> None:
    world.analyse(number, **CALM)
    take(reader, number)
    assert reassure(reader, number) == 302


def give_opinion(app: Flask, sign_in, asker: CheckedClient, number: str, colleague: str, **opinion: str) -> None:
    asker.submit(f"/review/{number}/opinions", {"colleague": user_id(app, colleague)}, page="/profile")
    form = {"diagnosis": "benign", "management": "reassure", **opinion}
    assert sign_in(colleague).submit(f"/review/{number}/opinion", form, page="/profile").status_code == 302


@pytest.mark.control("H2.2")
def test_a_second_opinion_that_arrives_must_be_seen_before_deciding(
    app: Flask, world: World, sign_in, reader, number: str, colleague: str
) -> None:
    world.analyse(number, **CALM)
    take(reader, number)
    page = shown(reader, number)
    give_opinion(app, sign_in, reader, number, colleague, management="routine_clinic")
    answer = decide(reader, number, shown=page, advice="Typed words.")
    assert answer.status_code == 422
    assert "a second opinion has arrived" in words(answer.text)
    assert "Typed words." in answer.text
    with stored_case(app, number) as case:
        assert case.standing_review is None
    assert decide(reader, number, shown=shown(reader, number)).status_code == 422
    assert decide(reader, number, shown=shown(reader, number), opinion_read="y").status_code == 302


def test_an_unread_second_opinion_must_be_read_before_deciding(
    app: Flask, world: World, sign_in, reader, number: str, colleague: str
) -> None:
    world.analyse(number, **CALM)
    take(reader, number)
    give_opinion(app, sign_in, reader, number, colleague)
    answer = decide(reader, number, management="reassure", override_reason="Typed words.")
    assert "Read the second opinion of" in words(answer.text)
    assert answer.status_code == 422
    reader.submit(f"/review/{number}/opinions/read", page=f"/review/{number}")
    assert reassure(reader, number) == 302


def test_so_does_one_that_was_read_and_suspects_a_cancer(
    app: Flask, world: World, sign_in, reader, number: str, colleague: str
) -> None:
    world.analyse(number, **CALM)
    take(reader, number)
    give_opinion(app, sign_in, reader, number, colleague, diagnosis="other_malignant")
    reader.submit(f"/review/{number}/opinions/read", page=f"/review/{number}")
    assert reassure(reader, number) == 422


def test_so_does_a_case_that_was_reopened_for_no_cancer(
    app: Flask, world: World, sign_in, reader, number: str, colleague: str
) -> None:
    """The colleague would take a biopsy of what both call benign."""
    world.analyse(number, **CALM)
    take(reader, number)
    assert reassure(reader, number) == 302
    give_opinion(app, sign_in, reader, number, colleague, management="biopsy")
    reader.submit(f"/review/{number}/opinions/read", page=f"/review/{number}")
    take(reader, number)
    answer = decide(reader, number, management="reassure")
    assert answer.status_code == 422
    assert "the earlier decision has been called into question" in words(answer.text)


def reopened_by_histology(gp: CheckedClient, world: World, reader: CheckedClient, number: str) -> None:
    world.analyse(number, **CALM)
    take(reader, number)
    assert reassure(reader, number) == 302
    gp.submit(f"/histology/{number}", {"result": "bcc"}, page="/profile")


def test_a_request_for_images_never_settles_a_reopening(app: Flask, world: World, gp, reader, number: str) -> None:
    """A histology of BCC still counts: with new images, however harmless, the case comes first and needs a reason."""
    reopened_by_histology(gp, world, reader, number)
    take(reader, number)
    assert decide(reader, number, management="retake", advice="Closer, please.").status_code == 302
    with stored_case(app, number) as case:
        assert (case.state, case.reopened) == (CaseState.RETAKE_REQUESTED, ReopenReason.HISTOLOGY)
    assert send_images(gp, number, jpeg(seed=5)).status_code == 302
    world.analyse(number, **CALM)
    other = world.case(gp_of(app, number))
    world.analyse(other, 0.99)
    with stored_case(app, number) as case:
        assert (case.reopened, int(case.rank)) == (ReopenReason.HISTOLOGY, Section.NOW)
    assert rows(reader.get("/review/").text)[0] == number
    take(reader, number)
    answer = decide(reader, number, management="reassure")
    assert answer.status_code == 422
    assert "the histology found a cancer" in words(answer.text)
    assert decide(reader, number, management="biopsy").status_code == 302
    with stored_case(app, number) as case:
        assert case.reopened is None


def gp_of(app: Flask, number: str) -> str:
    with stored_case(app, number) as case:
        return case.submitted_by.email


def test_the_request_taken_back_the_case_is_still_reopened(app: Flask, world: World, gp, reader, number: str) -> None:
    reopened_by_histology(gp, world, reader, number)
    take(reader, number)
    decide(reader, number, management="retake", advice="Closer, please.")
    undo(reader, number)
    with stored_case(app, number) as case:
        assert (case.state, case.reopened) == (CaseState.IN_REVIEW, ReopenReason.HISTOLOGY)
        assert int(case.rank) == Section.NOW


def test_the_request_amended_to_a_decision_settles_it(app: Flask, world: World, gp, reader, number: str) -> None:
    reopened_by_histology(gp, world, reader, number)
    take(reader, number)
    decide(reader, number, management="retake", advice="Closer, please.")
    assert amend(reader, number, management="reassure").status_code == 422
    assert amend(reader, number, management="biopsy").status_code == 302
    with stored_case(app, number) as case:
        assert (case.state, case.reopened) == (CaseState.REVIEWED, None)


def test_a_histology_that_is_entered_while_a_decision_is_written_must_be_seen(
    app: Flask, world: World, gp, reader, number: str
) -> None:
    reopened_by_histology(gp, world, reader, number)
    take(reader, number)
    page = shown(reader, number)
    gp.submit(f"/histology/{number}", {"result": "other_malignant"}, page="/profile")
    answer = decide(reader, number, shown=page, management="biopsy")
    assert answer.status_code == 422
    assert "a histology result has been entered" in words(answer.text)


@pytest.mark.control("H1.3")
def test_the_sweep_lifts_a_case_when_its_due_date_passes(app: Flask, world: World, gp_email, reader) -> None:
    calm, suspected = world.case(gp_email), world.case(gp_email)
    world.analyse(calm, **CALM)
    world.analyse(suspected, 0.9)
    assert rows(reader.get("/review/").text) == [suspected, calm]
    change_case(app, calm, waiting_since=utcnow() - timedelta(days=14, seconds=1))
    with app.app_context(), transaction():
        assert lift_past_due() == 1
    assert rows(reader.get("/review/").text) == [calm, suspected]
    assert " overdue" in words(reader.get("/review/").text)
    with app.app_context(), transaction():
        assert lift_past_due() == 0


@pytest.mark.control("H1.3")
def test_the_gps_urgency_lifts_a_case(world: World, gp_email, reader) -> None:
    suspected, urgent = world.case(gp_email), world.case(gp_email, urgency=Urgency.URGENT)
    world.analyse(suspected, 0.99)
    world.analyse(urgent, **CALM)
    assert rows(reader.get("/review/").text) == [urgent, suspected]
    assert "Urgent 47 h left" in words(reader.get("/review/").text)


def test_a_form_that_does_not_say_what_was_shown_counts_as_nothing_seen(world: World, reader, number: str) -> None:
    world.analyse(number, 0.9)
    take(reader, number)
    form = {"diagnosis": "benign", "management": "routine_clinic"}
    assert reader.submit(f"/review/{number}/decide", form, page="/profile").status_code == 422


def test_a_reader_who_cannot_tell_needs_a_reason_to_reassure(world: World, reader, number: str) -> None:
    world.analyse(number, **CALM)
    take(reader, number)
    answer = decide(reader, number, diagnosis="uncertain", management="reassure")
    assert answer.status_code == 422
    assert "you cannot tell from these images" in words(answer.text)


def test_a_known_carcinoma_does_not_hide_a_melanoma_that_is_found_later(
    app: Flask, world: World, gp_email, reader
) -> None:
    """The reader knew of a BCC in the first image. The second image was analysed after the decision."""
    number = world.case(gp_email, images=2)
    first, second = analysis_ids(app, number)
    finish(app, first, 0.9)
    take(reader, number)
    assert reassure(reader, number, **REASON) == 302
    finish(app, second, 0.01, melanoma=0.95)
    with stored_case(app, number) as case:
        assert (case.state, case.reopened) == (CaseState.AWAITING_REVIEW, ReopenReason.LATE_RESULT)


def finish(app: Flask, analysis_id: int, probability: float, melanoma: float = 0.0, **changes: Any) -> None:
    with app.app_context(), transaction():
        assert leases.take(analysis_id, "test")
        assert results.finish(
            analysis_id, "test", results.stored(replace(outcome(probability, melanoma), **changes), store_of(app))
        )


def test_a_second_opinion_of_cancer_moves_an_open_case_up(
    app: Flask, world: World, sign_in, gp_email, reader, number: str, colleague: str
) -> None:
    """Nobody has decided yet, and the reader has released the case."""
    other = world.case(gp_email)
    world.analyse(other, 0.99)
    world.analyse(number, **CALM)
    take(reader, number)
    give_opinion(app, sign_in, reader, number, colleague, diagnosis="other_malignant")
    put_back(reader, number)
    assert rows(reader.get("/review/").text) == [number, other]
    assert "A second opinion or histology suspects a cancer" in words(reader.get("/review/").text)


def test_whoever_reads_the_case_may_mark_the_opinion_as_read(
    app: Flask, world: World, sign_in, reader, number: str, colleague: str
) -> None:
    world.analyse(number, **CALM)
    take(reader, number)
    give_opinion(app, sign_in, reader, number, colleague)
    put_back(reader, number)
    third = sign_in(world.user(Role.DERMATOLOGIST))
    third.submit(f"/review/{number}/opinions/read", page=f"/review/{number}")
    with stored_case(app, number) as case:
        assert case.opinion_requests[0].seen_at is None, "somebody who neither asked nor reads the case"
    take(third, number)
    assert reassure(third, number) == 422
    third.submit(f"/review/{number}/opinions/read", page=f"/review/{number}")
    assert reassure(third, number) == 302


def test_a_corrected_histology_keeps_the_case_open_and_says_so(app: Flask, world: World, gp, reader, number) -> None:
    reopened_by_histology(gp, world, reader, number)
    gp.submit(f"/histology/{number}", {"result": "benign"}, page="/profile")
    with stored_case(app, number) as case:
        assert (case.is_open, case.reopened) == (True, ReopenReason.HISTOLOGY_CORRECTED)
    page = words(reader.get("/review/").text)
    assert "Histology showed a cancer, and this has since been corrected" in page


def test_an_amended_request_taken_back_is_a_request_again(app: Flask, world: World, gp, reader, number: str) -> None:
    reopened_by_histology(gp, world, reader, number)
    take(reader, number)
    decide(reader, number, management="retake", advice="Closer, please.")
    assert amend(reader, number, management="biopsy").status_code == 302
    undo(reader, number)
    with stored_case(app, number) as case:
        assert (case.state, case.reopened) == (CaseState.RETAKE_REQUESTED, ReopenReason.HISTOLOGY)


@pytest.mark.control("H2.2")
def test_images_that_arrive_while_a_reopened_case_is_read_must_be_seen(
    app: Flask, world: World, gp, reader, number: str
) -> None:
    """The images were requested before a late result re-opened the case, and a reader has opened it since."""
    take(reader, number)
    decide(reader, number, management="retake", advice="Closer, please.")
    world.analyse(number, 0.9)
    take(reader, number)
    page = shown(reader, number)
    assert send_images(gp, number, jpeg(seed=5)).status_code == 302
    answer = decide(reader, number, shown=page, management="biopsy")
    assert answer.status_code == 422
    assert "new images have been added" in words(answer.text)


def test_a_decision_taken_back_is_placed_by_what_has_happened_since(
    app: Flask, world: World, reader, number: str
) -> None:
    world.analyse(number, **CALM)
    take(reader, number)
    assert reassure(reader, number) == 302
    change_case(app, number, waiting_since=utcnow() - timedelta(days=15))
    undo(reader, number)
    with stored_case(app, number) as case:
        assert int(case.rank) == Section.NOW
