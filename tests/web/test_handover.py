"""A GP who leaves a centre: what is left behind is told first and handed over; nothing is out of reach."""

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.conftest import World
from tests.web.helpers import SURE, actions, centre_id, change_case, stored_case, user_id, words
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp.core.database import reading, transaction
from webapp.models import AuditEvent, Case, CaseState, Role, User

A, B = "Test Centre A", "Test Centre B"
WHOLE = {"to": "centre"}
WAYS = ("move", "role", "disable")


@pytest.fixture
def gp(world: World) -> str:
    return world.user(Role.GP, name="Test Leaver")


@pytest.fixture
def colleague(world: World) -> str:
    world.centre(B)
    return world.user(Role.GP, name="Test Colleague")


def page_of(app: Flask, email: str) -> str:
    return f"/admin/accounts/{user_id(app, email)}"


def leave(app: Flask, admin: CheckedClient, gp: str, way: str = "move", **more: str):
    """One of the ways in which a GP leaves Centre A; without ``more`` the page that asks is what comes back."""
    page = page_of(app, gp)
    if way == "disable":
        return admin.submit(f"{page}/disable", more, page=page)
    role, centre = ("gp", str(centre_id(app, B))) if way == "move" else ("dermatologist", "")
    return admin.submit(page, {"name": "Test Leaver", "role": role, "centre_id": centre, **more})


def follower(case: Case) -> str | None:
    """The email of who follows it by name."""
    return case.followed_by.email if case.followed_by else None


def is_gone(app: Flask, gp: str) -> bool:
    with app.app_context(), reading() as session:
        user = session.scalars(select(User).where(User.email == gp)).one()
        return not user.active or user.centre is None or user.centre.name != A


def answered(world: World, sign_in, gp: str, **decision: str) -> str:
    number = world.case(gp)
    world.analyse(number)
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    assert decide(reader, number, **decision).status_code == 302
    return number


@pytest.mark.parametrize("way", WAYS)
def test_the_administrator_is_told_first(app: Flask, world, gp, colleague, admin, sign_in, way) -> None:
    world.case(gp)
    world.case(gp)
    answered(world, sign_in, gp, diagnosis="bcc", management="biopsy")
    answered(world, sign_in, gp, management="retake", advice="Please in focus.")
    before = actions(app)
    page = words(leave(app, admin, gp, way).text)
    told = "2 cases without an answer, 1 request for new images and 1 answer to read"
    assert f"Test Leaver follows {told}. They stay with Test Centre A." in page
    assert "Test Colleague" in page
    assert "Test Centre A as a whole" in page
    assert (is_gone(app, gp), actions(app)) == (False, before)


@pytest.mark.parametrize("way", WAYS)
def test_they_are_handed_to_a_colleague(app: Flask, world, gp, colleague, admin, sign_in, way) -> None:
    number = world.case(gp)
    to = str(user_id(app, colleague))
    assert leave(app, admin, gp, way, to=to, **SURE).status_code == 302
    assert is_gone(app, gp)
    with stored_case(app, number) as case:
        assert (case.centre.name, follower(case)) == (A, colleague)
    at_work = sign_in(colleague)
    assert "handed over to you" in words(at_work.get("/cases/").text)
    assert "by Test Leaver, followed by Test Colleague" in words(at_work.get(f"/cases/{number}").text)
    with app.app_context(), reading() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "case.handed_over")).one()
        assert (event.before, event.after) == ({"responsible": user_id(app, gp)}, {"responsible": int(to)})


@pytest.mark.parametrize("way", WAYS)
def test_or_to_the_centre_as_a_whole(app: Flask, world, gp, colleague, admin, sign_in, way) -> None:
    number = answered(world, sign_in, gp, diagnosis="bcc", management="biopsy")
    assert leave(app, admin, gp, way, **WHOLE, **SURE).status_code == 302
    with stored_case(app, number) as case:
        assert case.responsible_id is None
    at_work = sign_in(colleague)
    assert "handed over to you" not in at_work.get("/cases/").text
    page = words(at_work.get(f"/cases/{number}").text)
    assert "followed by whoever is at Test Centre A" in page
    assert "Basal cell carcinoma" in page


@pytest.mark.parametrize("whole", [False, True])
def test_an_answer_that_only_a_colleague_has_opened_is_still_to_be_read(
    app: Flask, world, gp, colleague, admin, sign_in, whole: bool
) -> None:
    number = answered(world, sign_in, gp, diagnosis="bcc", management="biopsy")
    at_work = sign_in(colleague)
    at_work.get(f"/cases/{number}")
    assert "1 answer to read" in words(leave(app, admin, gp, WAYS[0]).text)
    to = WHOLE if whole else {"to": str(user_id(app, colleague))}
    assert leave(app, admin, gp, WAYS[0], **to, **SURE).status_code == 302
    with stored_case(app, number) as case:
        assert [row.user_id for row in case.unread_by] == [user_id(app, colleague)]
    assert "Open the case to read what has changed" in words(at_work.get("/cases/").text)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("to", [None, "", "987654", "x"])
def test_without_a_choice_nothing_is_saved(app: Flask, world, gp, colleague, admin, way, to) -> None:
    number = world.case(gp)
    answer = leave(app, admin, gp, way, **({} if to is None else {"to": to}), **SURE)
    assert answer.status_code == 422
    assert "Choose who follows these cases." in answer.text or "Not a valid choice" in answer.text
    assert not is_gone(app, gp)
    with stored_case(app, number) as case:
        assert follower(case) == gp


def test_a_gp_of_another_centre_cannot_take_over(app: Flask, world, gp, colleague, admin) -> None:
    world.case(gp)
    stranger = world.user(Role.GP, centre=B)
    assert leave(app, admin, gp, to=str(user_id(app, stranger)), **SURE).status_code == 422
    disabled = world.user(Role.GP, active=False)
    assert leave(app, admin, gp, to=str(user_id(app, disabled)), **SURE).status_code == 422


def test_what_is_typed_is_kept_on_the_page_that_asks(app: Flask, world, gp, colleague, admin) -> None:
    world.case(gp)
    page = page_of(app, gp)
    form = {"name": "Test <Renamed>", "role": "gp", "centre_id": str(centre_id(app, B))}
    asked = admin.submit(page, form).text
    assert '<input type="hidden" name="name" value="Test &lt;Renamed&gt;">' in asked
    assert f'<input type="hidden" name="centre_id" value="{form["centre_id"]}">' in asked
    assert asked.count('name="csrf_token"') == 2, "its own and that of signing out"


@pytest.mark.parametrize("way", ["move", "role"])
def test_the_only_gp_of_a_centre_cannot_leave_cases_behind(app: Flask, world, gp, admin, way) -> None:
    world.centre(B)
    number = world.case(gp)
    answer = leave(app, admin, gp, way, **WHOLE, **SURE)
    assert answer.status_code == 422
    assert "no other GP there has an account. Invite or enable one first." in words(answer.text)
    assert 'name="name"' in answer.text
    assert not is_gone(app, gp)
    with stored_case(app, number) as case:
        assert follower(case) == gp


def test_but_can_always_be_disabled_and_the_service_page_says_so(app: Flask, world, gp, admin, sign_in) -> None:
    """An account that somebody has broken into must be closed at once."""
    number = world.case(gp)
    check = "cases and no GP with an account"
    assert check not in words(admin.get("/admin/service").text)
    assert "nobody sees them until you invite or enable one" in words(leave(app, admin, gp, "disable").text)
    leave(app, admin, gp, "disable", **SURE)
    assert is_gone(app, gp)
    assert f"Test Centre A: {check}" in words(admin.get("/admin/service").text)
    successor = sign_in(world.user(Role.GP))
    assert check not in words(admin.get("/admin/service").text)
    assert successor.get(f"/cases/{number}").status_code == 200


@pytest.mark.parametrize("state", [CaseState.WITHDRAWN, CaseState.CLOSED, CaseState.REVIEWED])
def test_what_is_over_stays_as_it_is(app: Flask, world, gp, colleague, admin, state) -> None:
    """A case withdrawn, closed, or answered and read: nobody need follow it."""
    number = world.case(gp)
    change_case(app, number, state=state, is_open=False, unread=False)
    assert leave(app, admin, gp).status_code == 302, "not even asked"
    with stored_case(app, number) as case:
        assert (case.responsible_id, follower(case)) == (user_id(app, gp), None)


def test_a_case_handed_over_once_is_handed_over_again(app: Flask, world, gp, colleague, admin) -> None:
    number = world.case(gp)
    leave(app, admin, gp, to=str(user_id(app, colleague)), **SURE)
    third = world.user(Role.GP)
    leave(app, admin, colleague, to=str(user_id(app, third)), **SURE)
    with stored_case(app, number) as case:
        assert follower(case) == third


def test_others_cases_are_not_touched(app: Flask, world, gp, colleague, admin) -> None:
    number = world.case(colleague)
    assert leave(app, admin, gp).status_code == 302
    with stored_case(app, number) as case:
        assert follower(case) == colleague


def test_the_page_names_nobody_who_has_left(app: Flask, world, gp, colleague, admin, sign_in) -> None:
    """A case sent while its GP was being moved still belongs to somebody: the centre."""
    number = world.case(gp)
    elsewhere = centre_id(app, B)
    with app.app_context(), transaction() as session:
        session.execute(update(User).where(User.email == gp).values(centre_id=elsewhere))
    page = words(sign_in(colleague).get(f"/cases/{number}").text)
    assert "followed by whoever is at Test Centre A" in page
