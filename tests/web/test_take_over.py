"""A second reader may take a case over, with a reason that the first one sees; and moving on to the next case."""

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import World
from tests.web.helpers import actions, stored_case, words
from tests.web.reading import decide, put_back, take, take_over
from tests.web_client import CheckedClient
from webapp.core.database import reading
from webapp.models import AuditEvent, CaseState, Claim, Role

TYPED = {"advice": "Please check the <other> cheek.", "pattern_AT": "present"}


@pytest.fixture
def number(world: World, gp: str) -> str:
    number = world.case(gp)
    world.analyse(number, 0.02)
    return number


@pytest.fixture
def first(world: World, sign_in) -> CheckedClient:
    return sign_in(world.user(Role.DERMATOLOGIST, name="Test First"))


@pytest.fixture
def second(world: World, sign_in) -> CheckedClient:
    return sign_in(world.user(Role.DERMATOLOGIST, name="Test Second"))


@pytest.fixture
def third(world: World, sign_in) -> CheckedClient:
    return sign_in(world.user(Role.DERMATOLOGIST, name="Test Third"))


def holder(app: Flask) -> list[str]:
    with app.app_context(), reading() as session:
        return [claim.user.name for claim in session.scalars(select(Claim).where(Claim.released_at.is_(None)))]


def test_the_second_reader_takes_over_with_a_reason(app: Flask, first, second, number: str) -> None:
    take(first, number)
    busy = take(second, number)
    assert busy.status_code == 409
    assert "Test First has claimed this case until" in words(busy.text)
    assert "Take over from Test First" in busy.text
    assert take_over(second, number).location == f"/review/{number}"
    assert holder(app) == ["Test Second"]
    assert "Your decision" in second.get(f"/review/{number}").text
    assert decide(second, number).status_code == 302


def test_taking_over_is_audited_without_the_free_text(app: Flask, first, second, number: str) -> None:
    take(first, number)
    take_over(second, number, "Secret words.")
    assert actions(app)[-1] == "case.taken_over"
    with app.app_context(), reading() as session:
        event = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
        assert set(event.before) == set(event.after) == {"reader"}
        assert event.before != event.after
        claims = session.scalars(select(Claim).order_by(Claim.id)).all()
        assert [claim.reason for claim in claims] == ["", "Secret words."]
        assert claims[1].took_over_id == claims[0].id
        assert claims[0].released_at is not None


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_without_a_reason_nothing_changes(app: Flask, first, second, number: str, reason: str) -> None:
    take(first, number)
    refused = take_over(second, number, reason)
    assert refused.status_code == 422
    assert "Please" in refused.text
    assert reason.strip() in refused.text
    assert holder(app) == ["Test First"]


@pytest.mark.control("H4.1")
def test_the_first_reader_is_told_and_loses_no_word(app: Flask, first, second, number: str) -> None:
    take(first, number)
    take_over(second, number)
    late = decide(first, number, **TYPED)
    assert late.status_code == 409
    page = words(late.text)
    assert "Test Second took over case" in page
    assert "Reason: The patient is here now." in page
    for entered in (
        "Please check the &lt;other&gt; cheek.",
        "Benign lesion",
        "Routine dermatology appointment",
        "Present",
    ):
        assert entered in page
    assert actions(app).count("case.decided") == 0


def test_the_first_reader_is_told_on_every_other_way_too(app: Flask, first, second, number: str) -> None:
    take(first, number)
    take_over(second, number)
    told = "took this case over from you. Reason: The patient is here now."
    assert told in words(first.get(f"/review/{number}").text)
    assert "taken over from you: The patient is here now." in words(first.get("/review/").text)
    put_back(first, number)
    assert "Test Second took over case" in words(first.get("/review/").text)
    assert holder(app) == ["Test Second"]
    assert told not in words(second.get(f"/review/{number}").text)


def test_a_mistake_after_the_take_over_keeps_the_words_too(first, second, number: str) -> None:
    take(first, number)
    take_over(second, number)
    late = decide(first, number, diagnosis="", **TYPED)
    assert late.status_code == 409
    assert "Please check the &lt;other&gt; cheek." in late.text
    assert "Test Second took over case" in words(late.text)


def test_only_the_claim_that_was_shown_is_ended(app: Flask, first, second, third, number: str) -> None:
    take(first, number)
    shown = third.get(f"/review/{number}").text
    seen = shown.split('name="seen" value="')[1].split('"')[0]
    take_over(second, number)
    late = third.submit(f"/review/{number}/take-over", {"seen": seen, "reason": "I was first."}, page="/profile")
    assert late.status_code == 409
    assert "Test Second has claimed this case" in words(late.text)
    assert "I was first." in late.text
    assert holder(app) == ["Test Second"]


@pytest.mark.parametrize("seen", ["", "junk", "-1", "9" * 40])
def test_a_made_up_claim_takes_nothing_over(app: Flask, first, second, number: str, seen: str) -> None:
    take(first, number)
    form = {"seen": seen, "reason": "Mine."}
    assert second.submit(f"/review/{number}/take-over", form, page="/profile").status_code == 409
    assert holder(app) == ["Test First"]


def test_a_free_case_is_simply_taken_and_a_decided_one_not(app: Flask, first, second, number: str) -> None:
    assert take_over(first, number).status_code == 302
    assert holder(app) == ["Test First"]
    decide(first, number)
    assert take_over(second, number).status_code == 409
    assert holder(app) == []


def test_the_next_case_is_the_topmost_that_is_free(world: World, gp: str, first, second, number: str) -> None:
    top = world.case(gp)
    assert first.submit("/review/next", page="/profile").location == f"/review/{top}"
    assert "Your decision" in first.get(f"/review/{top}").text
    assert second.submit("/review/next", page="/profile").location == f"/review/{number}"


def test_without_a_free_case_the_list_says_so(app: Flask, first, second, number: str) -> None:
    take(first, number)
    assert second.submit("/review/next", page="/profile").location == "/review/"
    assert "There are no unclaimed cases in this list at the moment." in second.get("/review/").text
    with stored_case(app, number) as case:
        assert case.state is CaseState.IN_REVIEW


def test_a_case_being_put_back_by_nobody_says_so(first, number: str) -> None:
    put_back(first, number)
    assert "You have not claimed case" in first.get("/review/").text


def test_a_decided_case_offers_the_next_one(first, number: str) -> None:
    take(first, number)
    decide(first, number)
    assert "Review next case" in first.get(f"/review/{number}").text
