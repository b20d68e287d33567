"""The GP's list: filters, place in line with an honest estimate, read receipts, updates without a session."""

import re
from datetime import timedelta

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import actions, change_case, stored_case, words
from tests.web.reading import decide, take
from tests.web.test_follow import answered, listed
from tests.web_client import CheckedClient
from webapp.core.database import transaction
from webapp.models import Case, CaseState, Claim, Diagnosis, Management, Review, Role, User, utcnow


@pytest.fixture
def email(world: World) -> str:
    return world.user(Role.GP, name="Test Opener")


@pytest.fixture
def gp(email: str, sign_in) -> CheckedClient:
    return sign_in(email)


def decided_cases(app: Flask, world: World, email: str, hours_ago: list[float]) -> None:
    """One closed case for each time, decided that long ago."""
    reader = world.user(Role.DERMATOLOGIST)
    for hours in hours_ago:
        number = world.case(email)
        with app.app_context(), transaction() as session:
            case = session.query(Case).filter_by(number=number).one()
            user = session.query(User).filter_by(email=reader).one()
            moment = utcnow() - timedelta(hours=hours)
            claim = Claim(case=case, user=user, expires_at=moment, released_at=moment)
            session.add(claim)
            session.flush()
            session.add(
                Review(
                    case=case,
                    reviewer=user,
                    claim_id=claim.id,
                    diagnosis=Diagnosis.BENIGN,
                    management=Management.ROUTINE_CLINIC,
                    decided_at=moment,
                )
            )
            for state in (CaseState.IN_REVIEW, CaseState.REVIEWED, CaseState.CLOSED):
                case.move_to(state)


def test_the_list_is_narrowed_by_state(app: Flask, world: World, email: str, gp: CheckedClient, sign_in) -> None:
    analysing, waiting, read, unread, withdrawn, retake = (world.case(email) for _ in range(6))
    world.analyse(waiting)
    for number in (read, unread):
        answered(world, sign_in, number)
    answered(world, sign_in, retake, management="retake", advice="Closer, please.")
    change_case(app, withdrawn, state=CaseState.WITHDRAWN, is_open=False)
    gp.get(f"/cases/{read}")
    expected = {
        "to_read": [unread],
        "analysing": [analysing],
        "waiting": [waiting],
        "retake": [retake],
        "answered": [unread, read],
        "withdrawn": [withdrawn],
        "nonsense": [unread, retake, withdrawn, read, waiting, analysing],
    }
    for only, numbers in expected.items():
        assert listed(gp.get("/cases/", query_string={"only": only}).text) == numbers, only
    page = words(gp.get("/cases/").text)
    assert "To read 1" in page
    assert "Answered 2" in page


def test_filter_and_search_work_together_and_stay_together(world: World, email: str, gp: CheckedClient) -> None:
    number = world.case(email, patient_reference="P-1")
    world.case(email, patient_reference="P-2")
    page = gp.get("/cases/?q=P-1&only=analysing").text
    assert listed(page) == [number]
    assert '<input type="hidden" name="only" value="analysing">' in page
    assert "/cases/list?q=P-1&amp;only=analysing" in page
    assert "with the filter “Withdrawn”" in gp.get("/cases/?q=P-1&only=withdrawn").text
    assert "No cases: withdrawn" in gp.get("/cases/?only=withdrawn").text


def test_the_place_in_line_is_the_worklists_own(world: World, email: str, gp: CheckedClient) -> None:
    other = world.user(Role.GP, centre="Test Centre B")
    low, foreign, high, unknown = world.case(email), world.case(other), world.case(email), world.case(email)
    for number, probability in ((low, 0.02), (foreign, 0.5), (high, 0.9)):
        world.analyse(number, probability)
    page = gp.get("/cases/").text
    places = dict(re.findall(r'href="/cases/(DT-\w+)".*?place (\d) of 4', page, re.S))
    assert places == {unknown: "1", high: "2", low: "4"}
    assert "place 4 of 4, no estimate yet" in gp.get(f"/cases/{low}/status").text


@pytest.mark.parametrize(
    ("hours_ago", "estimate"),
    [
        ([100.0] + [50.0] * 9, "about 10 h"),  # ten in 100 hours
        ([1000.0] + [50.0] * 14, "about 12 h"),  # only the last seven days count: fourteen in 168 hours
        ([100.0] + [50.0] * 8, "no estimate yet"),  # too few
        ([20.0] + [2.0] * 20, "no estimate yet"),  # all of them within a day
        ([300.0] * 30, "no estimate yet"),  # nothing lately
    ],
)
def test_the_estimate_is_measured_or_not_given(
    app: Flask, world: World, email: str, gp: CheckedClient, hours_ago: list[float], estimate: str
) -> None:
    decided_cases(app, world, email, hours_ago)
    number = world.case(email)
    assert f"place 1 of 1, {estimate}" in gp.get(f"/cases/{number}").text


def test_a_case_being_read_has_no_place(world: World, email: str, gp: CheckedClient, sign_in) -> None:
    number = world.case(email)
    take(sign_in(world.user(Role.DERMATOLOGIST)), number)
    for path in ("/cases/", f"/cases/{number}"):
        assert "place 1" not in gp.get(path).text


def test_opening_the_answer_is_noted_once_and_told_to_the_dermatologist(
    app: Flask, world: World, email: str, gp: CheckedClient, sign_in
) -> None:
    number = world.case(email)
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    decide(reader, number)
    assert 'class="badge-new"' in gp.get("/cases/").text, "the list alone does not count as reading"
    assert "Not opened by the GP yet" in reader.get(f"/review/{number}").text
    assert "not opened by the GP yet" in reader.get("/review/decided").text
    for _ in range(2):
        gp.get(f"/cases/{number}")
    assert 'class="badge-new"' not in gp.get("/cases/").text
    assert "nav-badge" not in gp.get("/help").text
    assert "First opened by Test Opener" in reader.get(f"/review/{number}").text
    assert "opened by the GP" in reader.get("/review/decided").text
    assert actions(app).count("answer.read") == 1


def test_the_status_alone_is_no_reading(app: Flask, world: World, email: str, gp: CheckedClient, sign_in) -> None:
    number = world.case(email)
    answered(world, sign_in, number)
    gp.get(f"/cases/{number}/status")
    with stored_case(app, number) as case:
        assert case.standing_review is not None
        assert case.standing_review.receipt is None


def test_a_request_for_images_stays_on_the_badge_until_it_is_answered(
    world: World, email: str, gp: CheckedClient, sign_in
) -> None:
    number = world.case(email)
    answered(world, sign_in, number, management="retake", advice="Closer, please.")
    gp.get(f"/cases/{number}")
    assert re.search(r'nav-badge">\s*1\s*<', gp.get("/help").text)


def test_polls_do_not_touch_the_session(world: World, email: str, gp: CheckedClient) -> None:
    number = world.case(email)
    for path in ("/cases/list", f"/cases/{number}/status"):
        answer = gp.get(path)
        assert "data-poll" in answer.text
        assert "Set-Cookie" not in answer.headers
