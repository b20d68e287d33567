"""The administrator's accounts page: there is always an administrator, and no input is lost."""

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import World
from tests.web.helpers import SURE, actions, count, user_id
from tests.web_client import CheckedClient
from webapp.core.database import reading
from webapp.models import Role, User


@pytest.fixture
def me(world: World) -> str:
    return world.user(Role.ADMIN, name="Test First Admin")


@pytest.fixture
def admin(me: str, sign_in) -> CheckedClient:
    return sign_in(me)


def page_of(app: Flask, email: str) -> str:
    return f"/admin/accounts/{user_id(app, email)}"


def facts(app: Flask, email: str) -> tuple[str, Role, str | None, bool]:
    with app.app_context(), reading() as session:
        user = session.scalars(select(User).where(User.email == email)).one()
        return user.name, user.role, user.centre.name if user.centre else None, user.active


def invite(admin: CheckedClient, **changes: object):
    form = {"email": "new@test.example", "name": "Test New", "role": "dermatologist", "centre_id": ""}
    return admin.submit("/admin/accounts/new", {**form, **changes})


@pytest.mark.parametrize("way", ["disable", "change"])
def test_the_last_administrator_stays(app: Flask, world: World, me: str, admin: CheckedClient, way: str) -> None:
    world.user(Role.ADMIN, active=False)
    page = page_of(app, me)
    if way == "disable":
        admin.submit(f"{page}/disable", SURE, page=page)
        answer = admin.get(page)
    else:
        answer = admin.submit(page, {"name": "Test Renamed", "role": "dermatologist", "centre_id": ""})
        assert answer.status_code == 422
    assert "last administrator" in answer.text
    assert facts(app, me) == ("Test First Admin", Role.ADMIN, None, True)


@pytest.mark.parametrize("way", ["disable", "change"])
def test_an_administrator_beside_another_may_go(app: Flask, world: World, admin: CheckedClient, way: str) -> None:
    other = world.user(Role.ADMIN)
    page = page_of(app, other)
    if way == "disable":
        admin.submit(f"{page}/disable", SURE, page=page)
        assert facts(app, other)[3] is False
    else:
        admin.submit(page, {"name": "Test Renamed", "role": "dermatologist", "centre_id": "", **SURE})
        assert facts(app, other) == ("Test Renamed", Role.DERMATOLOGIST, None, True)


def test_a_change_of_role_ends_the_sessions(app: Flask, world: World, admin: CheckedClient, sign_in) -> None:
    email = world.user(Role.DERMATOLOGIST)
    at_work = sign_in(email)
    admin.submit(page_of(app, email), {"name": "Test X", "role": "gp", "centre_id": world.centre(), **SURE})
    assert at_work.get("/review/").location.startswith("/login")
    assert sign_in(email).get("/cases/").status_code == 200


def test_a_change_of_name_keeps_the_sessions(app: Flask, world: World, admin: CheckedClient, sign_in) -> None:
    email = world.user(Role.DERMATOLOGIST)
    at_work = sign_in(email)
    admin.submit(page_of(app, email), {"name": "Test Renamed", "role": "dermatologist", "centre_id": ""})
    assert "Test Renamed" in at_work.get("/profile").text


@pytest.mark.parametrize("email", ["taken@test.example", "TAKEN@test.example", " taken@test.example "])
def test_one_account_an_address(app: Flask, admin: CheckedClient, email: str) -> None:
    invite(admin, email="taken@test.example")
    before = count(app, User)
    answer = invite(admin, email=email)
    assert answer.status_code == 422
    assert "already an account" in answer.text
    assert count(app, User) == before


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"email": ""}, "Enter an email address"),
        ({"email": "not an address"}, "Enter a valid email address"),
        ({"email": "a" * 300 + "@test.example"}, "254"),
        ({"name": ""}, "Enter a full name"),
        ({"name": "   "}, "Enter a full name"),
        ({"name": "x" * 121}, "120"),
        ({"role": "superuser"}, "Not a valid choice"),
        ({"role": "gp"}, "must belong to an active centre"),
        ({"role": "gp", "centre_id": "987654"}, "Not a valid choice"),
        ({"role": "gp", "centre_id": "x"}, "must belong to an active centre"),
    ],
)
def test_a_mistake_keeps_the_rest_of_the_form(app: Flask, admin: CheckedClient, wrong: dict, message: str) -> None:
    before = count(app, User)
    answer = invite(admin, **wrong)
    assert answer.status_code == 422
    assert message in answer.text
    assert ('value="new@test.example"' in answer.text) is ("email" not in wrong)
    assert ('value="Test New"' in answer.text) is ("name" not in wrong)
    assert count(app, User) == before
    assert actions(app) == []


def test_a_mistake_in_a_change_changes_nothing(app: Flask, world: World, admin: CheckedClient) -> None:
    email = world.user(Role.GP, name="Test Before")
    answer = admin.submit(page_of(app, email), {"name": "Test After", "role": "gp", "centre_id": ""})
    assert answer.status_code == 422
    assert 'value="Test After"' in answer.text
    assert facts(app, email)[0] == "Test Before"


def test_only_a_gp_keeps_a_centre(app: Flask, world: World, admin: CheckedClient) -> None:
    invite(admin, role="admin", centre_id=str(world.centre()))
    assert facts(app, "new@test.example")[1:3] == (Role.ADMIN, None)


def test_disabled_and_enabled_again(app: Flask, world: World, admin: CheckedClient, sign_in) -> None:
    email = world.user(Role.GP)
    page = page_of(app, email)
    admin.submit(f"{page}/disable", SURE, page=page)
    assert "disabled" in admin.get(page).text
    admin.submit(f"{page}/enable", page=page)
    assert sign_in(email).get("/cases/").status_code == 200
    assert actions(app) == ["account.disabled", "account.enabled"]


def test_doing_it_twice_is_noted_once(app: Flask, world: World, admin: CheckedClient) -> None:
    page = page_of(app, world.user(Role.GP))
    for _ in range(2):
        admin.submit(f"{page}/disable", SURE, page=page)
    assert actions(app) == ["account.disabled"]


@pytest.mark.parametrize("path", ["/admin/accounts/987654", "/admin/centres/987654"])
def test_what_is_not_there_is_404(admin: CheckedClient, path: str) -> None:
    assert admin.get(path).status_code == 404


def test_names_are_shown_as_text(admin: CheckedClient) -> None:
    answer = invite(admin, name="<b>Test</b>")
    assert "&lt;b&gt;Test" in answer.text
    assert "<b>Test" not in answer.text + admin.get("/admin/accounts").text


def test_no_page_shows_a_password_hash(app: Flask, world: World, me: str, admin: CheckedClient) -> None:
    for path in ("/admin/accounts", page_of(app, me), "/profile"):
        assert "argon2" not in admin.get(path).text
