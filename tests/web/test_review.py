"""Reviewing and deciding: one reader at a time, one decision, and no input is lost."""

import threading
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import World
from tests.web.helpers import actions, counted_queries, image_ids, in_force, stored_case
from tests.web.reading import decide, put_back, take
from tests.web_client import CheckedClient
from webapp.core.database import reading, transaction
from webapp.models import CaseState, Claim, Diagnosis, Management, Review, Role, utcnow
from webapp.triage.concern import says_bcc

TYPED = {"advice": "Please check the <other> cheek.", "override_reason": "Seen last week."}


@pytest.fixture
def number(world: World, gp: str) -> str:
    number = world.case(gp)
    world.analyse(number, 0.02)
    return number


@pytest.fixture
def other(world: World, sign_in) -> CheckedClient:
    return sign_in(world.user(Role.DERMATOLOGIST, name="Test Other"))


def expire(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        for claim in session.scalars(select(Claim)):
            claim.expires_at = utcnow() - timedelta(seconds=1)


def reviews(app: Flask) -> list[tuple[Diagnosis, Management, str]]:
    with app.app_context(), reading() as session:
        found = session.scalars(select(Review).order_by(Review.id))
        return [(review.diagnosis, review.management, review.reviewer.name) for review in found]


def state(app: Flask, number: str) -> CaseState:
    with stored_case(app, number) as case:
        return case.state


def assert_words_kept(html: str) -> None:
    assert "Please check the &lt;other&gt; cheek." in html
    assert "Seen last week." in html


def test_a_claimed_case_shows_the_form(app: Flask, reader: CheckedClient, number: str) -> None:
    assert "Your decision" not in reader.get(f"/review/{number}").text
    assert take(reader, number).location == f"/review/{number}"
    page = reader.get(f"/review/{number}").text
    assert "Your decision" in page
    assert "Claimed by you until" in page
    assert state(app, number) is CaseState.IN_REVIEW


def test_the_second_reader_is_told_who_has_it(reader: CheckedClient, other: CheckedClient, number: str) -> None:
    take(reader, number)
    response = take(other, number)
    assert response.status_code == 409
    assert "Test Reader has claimed this case until" in response.text
    page = other.get(f"/review/{number}").text
    assert "Test Reader has claimed this case" in page
    assert "Send decision to the GP" not in page


def test_two_readers_at_the_same_moment(app: Flask, reader: CheckedClient, other: CheckedClient, number: str) -> None:
    token = {client: client.token("/profile") for client in (reader, other)}
    answers, start = [], threading.Barrier(2)

    def click(client: CheckedClient) -> None:
        start.wait()
        answers.append(client.post(f"/review/{number}/claim", data={"csrf_token": token[client]}).status_code)

    clicks = [threading.Thread(target=click, args=(client,)) for client in (reader, other)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert sorted(answers) == [302, 409]
    assert actions(app).count("case.claimed") == 1


def test_a_claim_that_ran_out_frees_the_case(app: Flask, reader, other, number: str) -> None:
    take(reader, number)
    expire(app)
    assert take(other, number).status_code == 302
    assert decide(other, number).status_code == 302
    assert reviews(app) == [(Diagnosis.BENIGN, Management.ROUTINE_CLINIC, "Test Other")]


def test_a_slow_reader_whom_nobody_replaced_may_still_decide(app: Flask, reader: CheckedClient, number: str) -> None:
    take(reader, number)
    expire(app)
    assert decide(reader, number).status_code == 302
    assert len(reviews(app)) == 1


def test_deciding_after_losing_the_case_keeps_what_was_typed(app: Flask, reader, other, number: str) -> None:
    take(reader, number)
    expire(app)
    take(other, number)
    response = decide(reader, number, **TYPED)
    assert response.status_code == 409
    assert "Nothing was saved for case" in response.text
    assert_words_kept(response.text)
    assert reviews(app) == []


def test_an_incomplete_decision_after_losing_the_case_keeps_it_too(app: Flask, reader, other, number: str) -> None:
    take(reader, number)
    expire(app)
    take(other, number)
    response = decide(reader, number, diagnosis="", **TYPED)
    assert response.status_code == 409
    assert_words_kept(response.text)


def test_an_incomplete_decision_after_the_claim_ran_out_keeps_it_too(app: Flask, reader, number: str) -> None:
    take(reader, number)
    expire(app)
    assert_words_kept(decide(reader, number, diagnosis="", **TYPED).text)


def test_an_incomplete_decision_on_a_decided_case_keeps_it_too(app: Flask, reader, other, number: str) -> None:
    take(other, number)
    decide(other, number)
    assert_words_kept(decide(reader, number, diagnosis="", **TYPED).text)


def test_a_missing_reason_after_the_claim_ran_out_keeps_what_was_typed(app: Flask, reader, number: str) -> None:
    take(reader, number)
    expire(app)
    response = decide(reader, number, diagnosis="bcc", management="reassure", advice=TYPED["advice"])
    assert response.status_code == 422
    assert "Please check the &lt;other&gt; cheek." in response.text


def test_putting_it_back_frees_the_case_at_its_old_place(app: Flask, reader, other, number: str) -> None:
    with stored_case(app, number) as case:
        place = (case.rank, case.waiting_since)
    take(reader, number)
    put_back(other, number)
    assert take(other, number).status_code == 409, "nobody puts back for somebody else"
    put_back(reader, number)
    with stored_case(app, number) as case:
        assert (case.rank, case.waiting_since, case.state) == (*place, CaseState.AWAITING_REVIEW)
    assert take(other, number).status_code == 302


def test_the_decision_is_stored_as_made_and_the_gp_reads_it(app: Flask, world, sign_in, gp, reader, number) -> None:
    take(reader, number)
    assert decide(reader, number, diagnosis="bcc", management="biopsy", advice=" Stop aspirin. ").status_code == 302
    assert reviews(app) == [(Diagnosis.BCC, Management.BIOPSY, "Test Reader")]
    with stored_case(app, number) as case:
        assert (case.state, case.is_open) == (CaseState.REVIEWED, False)
        assert case.bcc_probability == 0.02, "the model's answer stays what it was"
        assert says_bcc(in_force(case.images[0])) is False
    page = sign_in(gp).get(f"/cases/{number}").text
    assert "Basal cell carcinoma" in page
    assert "Stop aspirin." in page


def test_the_gp_does_not_read_the_reason_meant_for_colleagues(sign_in, gp: str, reader, number: str) -> None:
    take(reader, number)
    decide(reader, number, diagnosis="bcc", override_reason="Already treated elsewhere.")
    assert "Already treated elsewhere." in reader.get(f"/review/{number}").text
    assert "Already treated elsewhere." not in sign_in(gp).get(f"/cases/{number}").text


RISKY = [("bcc", 0.02), ("other_malignant", 0.02), ("benign", 0.9), ("uncertain", 0.9)]


@pytest.mark.parametrize(("diagnosis", "probability"), RISKY)
def test_no_appointment_against_a_suspicion_needs_a_reason(
    app: Flask, world: World, gp: str, reader: CheckedClient, diagnosis: str, probability: float
) -> None:
    number = world.case(gp)
    world.analyse(number, probability)
    take(reader, number)
    for blank in ("", "   "):
        refused = decide(
            reader, number, diagnosis=diagnosis, management="reassure", advice="Typed.", override_reason=blank
        )
        assert refused.status_code == 422
        assert "Enter a reason" in refused.text
        assert "Typed.</textarea>" in refused.text
    assert reviews(app) == []
    words = {"management": "reassure", "override_reason": "Seen and treated."}
    assert decide(reader, number, diagnosis=diagnosis, **words).status_code == 302


@pytest.mark.parametrize("management", ["urgent_referral", "biopsy", "routine_clinic"])
def test_an_appointment_needs_no_reason(app: Flask, world: World, gp: str, reader, management: str) -> None:
    number = world.case(gp)
    world.analyse(number, 0.9)
    take(reader, number)
    assert decide(reader, number, diagnosis="benign", management=management).status_code == 302


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"diagnosis": ""}, "Choose a diagnosis"),
        ({"management": ""}, "Choose a management option"),
        ({"diagnosis": "flu"}, "Not a valid choice"),
        ({"advice": "x" * 4001}, "under 4,000"),
        ({"override_reason": "x" * 2001}, "under 2,000"),
    ],
)
def test_a_mistake_in_the_form_keeps_the_rest(app: Flask, reader, number: str, wrong: dict, message: str) -> None:
    take(reader, number)
    response = decide(reader, number, **{**TYPED, **wrong})
    assert response.status_code == 422
    assert message in response.text
    if "advice" not in wrong and "override_reason" not in wrong:
        assert_words_kept(response.text)
    assert reviews(app) == []
    assert state(app, number) is CaseState.IN_REVIEW


def test_two_dermatologists_one_decision(app: Flask, reader, other, number: str) -> None:
    take(reader, number)
    assert decide(other, number, **TYPED).status_code == 409
    assert decide(reader, number).status_code == 302
    late = decide(other, number, diagnosis="bcc", management="biopsy", **TYPED)
    assert late.status_code == 409
    assert "The case was decided by Test Reader while you were reviewing it." in late.text
    assert_words_kept(late.text)
    assert reviews(app) == [(Diagnosis.BENIGN, Management.ROUTINE_CLINIC, "Test Reader")]


def test_deciding_twice_is_one_decision(app: Flask, reader: CheckedClient, number: str) -> None:
    take(reader, number)
    assert decide(reader, number).status_code == 302
    assert decide(reader, number, diagnosis="bcc", management="biopsy").status_code == 409
    assert len(reviews(app)) == 1
    assert take(reader, number).status_code == 409


def test_after_a_decision_the_next_case_opens(world: World, gp: str, reader: CheckedClient, number: str) -> None:
    following = world.case(gp)
    take(reader, number)
    assert decide(reader, number).location == f"/review/{following}"
    take(reader, following)
    assert decide(reader, following).location == "/review/"


def test_a_case_can_be_decided_before_it_was_analysed(app: Flask, world: World, gp: str, reader) -> None:
    number = world.case(gp)
    take(reader, number)
    page = reader.get(f"/review/{number}").text
    assert "Not analysed yet. You can review and decide without the model." in page
    assert decide(reader, number, management="biopsy").status_code == 302
    world.analyse(number, 0.95)
    with stored_case(app, number) as case:
        assert (case.state, case.is_open) == (CaseState.REVIEWED, False), "a biopsy misses nothing: see test_reopening"


def test_the_page_says_what_the_model_says(world: World, gp: str, reader: CheckedClient) -> None:
    number = world.case(gp)
    world.analyse(number, 0.9)
    page = reader.get(f"/review/{number}").text
    for text in ("90 %", "threshold 10.0 %", "Not clinically validated: a test model.", "test-model@000000000000"):
        assert text in page
    assert "strongest in the centre of the framed square; 10 % of it" in page
    assert "Not assessed by this model:" in page


def test_no_heatmap_is_offered_for_an_absent_finding(reader: CheckedClient, number: str) -> None:
    page = reader.get(f"/review/{number}").text
    assert "/media/heatmaps/" not in page
    assert "No heatmap" in page


def test_a_dermatologist_sees_every_centre(world: World, reader: CheckedClient) -> None:
    for centre in ("Test Centre A", "Test Centre B"):
        number = world.case(world.user(Role.GP, centre=centre))
        assert reader.get(f"/review/{number}").status_code == 200


def test_a_case_that_does_not_exist(reader: CheckedClient) -> None:
    assert reader.get("/review/DT-NOTHING").status_code == 404
    for act in (take, put_back, decide):
        assert act(reader, "DT-NOTHING").status_code == 404


def test_the_own_decisions_are_listed(world: World, gp: str, reader, other, number: str) -> None:
    assert "No decisions yet" in reader.get("/review/decided").text
    take(reader, number)
    decide(reader, number)
    assert number in reader.get("/review/decided").text
    assert number not in other.get("/review/decided").text


def test_the_number_of_queries_does_not_grow_with_the_images(app: Flask, world: World, gp: str, reader) -> None:
    def queries(images: int) -> int:
        number = world.case(gp, images=images)
        world.analyse(number, 0.9)
        with counted_queries(app) as statements:
            reader.get(f"/review/{number}")
        return len(statements)

    assert queries(6) <= queries(1) + 1


def test_every_image_of_the_case_is_shown(app: Flask, world: World, gp: str, reader: CheckedClient) -> None:
    number = world.case(gp, images=3)
    page = reader.get(f"/review/{number}").text
    assert all(f'data-image="/media/images/{image_id}"' in page for image_id in image_ids(app, number))
