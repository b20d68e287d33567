"""What is hard to undo is asked first, and afterwards the message tells the truth."""

from typing import NamedTuple

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.conftest import World
from tests.web.helpers import SURE, actions, user_id, words
from tests.web_client import CheckedClient
from webapp.core.database import reading, transaction
from webapp.models import Role, User

DEMOTED = {"name": "Test First Admin", "role": "dermatologist", "centre_id": ""}


@pytest.fixture
def me(world: World) -> str:
    return world.user(Role.ADMIN, name="Test First Admin")


@pytest.fixture
def admin(me: str, sign_in) -> CheckedClient:
    return sign_in(me)


def page_of(app: Flask, email: str) -> str:
    return f"/admin/accounts/{user_id(app, email)}"


class Account(NamedTuple):
    name: str
    role: Role
    active: bool


def account(app: Flask, email: str) -> Account:
    with app.app_context(), reading() as session:
        row = session.execute(select(User.name, User.role, User.active).where(User.email == email)).one()
        return Account(*row)


@pytest.mark.parametrize("role", Role)
def test_disabling_is_asked_first(app: Flask, world: World, admin: CheckedClient, role: Role) -> None:
    email = world.user(role, name="Test Other")
    page = page_of(app, email)
    asked = admin.submit(f"{page}/disable", page=page)
    assert asked.status_code == 200
    assert "Disable the account of Test Other?" in asked.text
    assert f'href="{page}">Cancel' in asked.text
    assert account(app, email).active
    assert actions(app) == []
    admin.submit(f"{page}/disable", SURE, page=page)
    assert not account(app, email).active


@pytest.mark.parametrize("answer", ["", "n", "yes"])
def test_only_that_page_confirms(app: Flask, world: World, admin: CheckedClient, answer: str) -> None:
    email = world.user(Role.DERMATOLOGIST)
    page = page_of(app, email)
    admin.submit(f"{page}/disable", {"confirmed": answer}, page=page)
    assert account(app, email).active


def test_another_role_is_asked_first(app: Flask, world: World, admin: CheckedClient) -> None:
    email = world.user(Role.ADMIN, name="Test Other")
    form = {**DEMOTED, "name": "Test Renamed"}
    asked = words(admin.submit(page_of(app, email), form).text)
    assert "Change Test Other from Administrator to Dermatologist?" in asked
    assert "Open sessions end at once" in asked
    assert (account(app, email).role, account(app, email).name) == (Role.ADMIN, "Test Other")
    admin.submit(page_of(app, email), {**form, **SURE})
    assert (account(app, email).role, account(app, email).name) == (Role.DERMATOLOGIST, "Test Renamed")


def test_a_new_name_alone_is_not_asked(app: Flask, world: World, admin: CheckedClient) -> None:
    email = world.user(Role.ADMIN)
    assert admin.submit(page_of(app, email), {**DEMOTED, "role": "admin", "name": "Test New"}).status_code == 302
    assert account(app, email).name == "Test New"


def test_who_gives_up_being_an_administrator_is_told_what_happened(
    app: Flask, world: World, me: str, admin: CheckedClient, sign_in
) -> None:
    world.user(Role.ADMIN)
    asked = words(admin.submit(page_of(app, me), DEMOTED).text)
    assert "Give up being an administrator?" in asked
    assert "You are signed out at once" in asked
    answer = admin.submit(page_of(app, me), {**DEMOTED, **SURE})
    page = words(admin.get(answer.location).text)
    assert "You are no longer an administrator but a Dermatologist. Please sign in again." in page
    assert "inactivity" not in page + words(admin.get("/review/", follow_redirects=True).text)
    assert sign_in(me).get("/review/").status_code == 200


def test_who_disables_the_own_account_is_told_so(app: Flask, world: World, me: str, admin: CheckedClient) -> None:
    world.user(Role.ADMIN)
    page = page_of(app, me)
    assert "Disable your own account?" in admin.submit(f"{page}/disable", page=page).text
    answer = admin.submit(f"{page}/disable", SURE, page=page)
    shown = words(admin.get(answer.location).text)
    assert "Your account is disabled. Another administrator can enable it." in shown
    assert "inactivity" not in shown
    assert not account(app, me).active


@pytest.mark.parametrize("way", ["disable", "change"])
@pytest.mark.parametrize("other", ["none", "disabled", "never signed in"])
def test_the_last_administrator_is_refused_before_being_asked(
    app: Flask, world: World, me: str, admin: CheckedClient, way: str, other: str
) -> None:
    """An invitation that was never opened does not count: nobody could use it to let others in."""
    if other != "none":
        email = world.user(Role.ADMIN, active=other != "disabled")
        if other == "never signed in":
            with app.app_context(), transaction() as session:
                session.execute(update(User).where(User.email == email).values(joined_at=None))
    page = page_of(app, me)
    for sure in ({}, SURE):
        if way == "disable":
            admin.submit(f"{page}/disable", sure, page=page)
            answer = admin.get(page)
        else:
            answer = admin.submit(page, {**DEMOTED, **sure})
        assert "This is the last administrator who can sign in." in words(answer.text)
    assert (account(app, me).role, account(app, me).active) == (Role.ADMIN, True)
    assert actions(app) == []


@pytest.mark.parametrize("way", ["disable", "role"])
def test_whose_account_was_changed_is_not_told_of_inactivity(app: Flask, world: World, admin, sign_in, way) -> None:
    email = world.user(Role.GP)
    at_work, page = sign_in(email), page_of(app, email)
    if way == "disable":
        admin.submit(f"{page}/disable", SURE, page=page)
    else:
        admin.submit(page, {**DEMOTED, **SURE})
    shown = words(at_work.get("/cases/", follow_redirects=True).text)
    assert "your account or password was changed" in shown
    assert "inactivity" not in shown


def test_who_signed_out_is_told_nothing(world: World, sign_in) -> None:
    at_work = sign_in(world.user(Role.GP))
    at_work.submit("/logout", page="/profile")
    assert "You were signed out" not in at_work.get("/cases/", follow_redirects=True).text
