"""Accounts begin with a link: it works once, expires, and only the latest one works."""

import re

import pytest
from flask import Flask

from tests.conftest import PASSWORD, World, make_app
from tests.web.helpers import SURE, actions, centre_id, user_id
from tests.web_client import CheckedClient, new_client, without_token
from webapp.core.config import Settings
from webapp.core.extensions import db
from webapp.models import Role

CHOSEN = "three chosen words here"
DEAD = "You need a new link"


def link_on(html: str) -> str:
    found = re.search(r"http://localhost(/reset/[\w.-]+)", html)
    assert found, html
    return found.group(1)


def invite(
    admin: CheckedClient, email: str = "new@test.example", role: Role = Role.DERMATOLOGIST, **more: object
) -> str:
    answer = admin.submit("/admin/accounts/new", {"email": email, "name": "Test New", "role": role.value, **more})
    assert answer.status_code == 200, answer.text
    return link_on(answer.text)


def new_link(app: Flask, admin: CheckedClient, email: str) -> str:
    page = f"/admin/accounts/{user_id(app, email)}"
    return link_on(admin.submit(f"{page}/link", page=page).text)


def choose(client: CheckedClient, link: str, password: str = CHOSEN):
    """Open the link as its recipient does, and choose a password."""
    page = client.get(link)
    if page.status_code != 200:
        return client.get(page.location)
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    assert token
    return client.post(link, data={"csrf_token": token.group(1), "password": password, "password_confirm": password})


def test_the_link_lets_its_holder_in(app: Flask, admin: CheckedClient, client: CheckedClient) -> None:
    assert choose(client, invite(admin)).status_code == 302
    fresh = new_client(app)
    fresh.sign_in("new@test.example", CHOSEN)
    assert fresh.get("/review/").status_code == 200
    assert "Active" in admin.get("/admin/accounts").text


def test_who_has_chosen_a_password_types_no_address(admin: CheckedClient, client: CheckedClient) -> None:
    """A link signs nobody in, so the password is asked for once; it is the only thing left to give."""
    answer = choose(client, invite(admin))
    page = client.get("/login" if answer.location == "/" else answer.location, follow_redirects=True).text
    assert 'value="new@test.example"' in page
    assert 'value="new@test.example"' not in client.get("/login").text, "once, on a computer that others use too"
    assert 'value="new@test.example"' not in new_client(client.application).get("/login").text


def test_a_gp_is_invited_into_a_centre(app: Flask, world: World, admin: CheckedClient, client: CheckedClient) -> None:
    world.centre("Test Centre B")
    choose(client, invite(admin, role=Role.GP, centre_id=centre_id(app, "Test Centre B")))
    fresh = new_client(app)
    fresh.sign_in("new@test.example", CHOSEN)
    assert "Test Centre B" in fresh.get("/cases/").text


def test_nobody_can_sign_in_before_the_link_was_used(admin: CheckedClient, client: CheckedClient) -> None:
    invite(admin)
    for guess in ("", PASSWORD, CHOSEN):
        assert client.submit("/login", {"email": "new@test.example", "password": guess}).status_code == 200


def test_the_link_works_once(app: Flask, admin: CheckedClient, client: CheckedClient) -> None:
    link = invite(admin)
    choose(client, link)
    assert DEAD in choose(new_client(app), link, "a thief's own password").text


def test_a_used_link_changes_no_password(app: Flask, admin: CheckedClient, client: CheckedClient) -> None:
    link = invite(admin)
    page = client.get(link)
    (token,) = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', page.text)
    choose(new_client(app), link)
    thief = {"csrf_token": token, "password": "a thief's own password", "password_confirm": "a thief's own password"}
    client.post(link, data=thief)
    fresh = new_client(app)
    answer = fresh.submit("/login", {"email": "new@test.example", "password": "a thief's own password"})
    assert answer.status_code == 200
    fresh.sign_in("new@test.example", CHOSEN)


def test_a_new_link_kills_the_old_one(app: Flask, admin: CheckedClient, client: CheckedClient) -> None:
    old = invite(admin)
    new = new_link(app, admin, "new@test.example")
    assert DEAD in choose(client, old).text
    assert choose(new_client(app), new).status_code == 302


def test_a_new_link_ends_password_and_sessions(app: Flask, world: World, admin: CheckedClient, sign_in) -> None:
    email = world.user(Role.GP)
    at_work = sign_in(email)
    new_link(app, admin, email)
    assert at_work.get("/cases/").status_code == 302
    assert new_client(app).submit("/login", {"email": email, "password": PASSWORD}).status_code == 200


def test_a_link_expires(app: Flask, settings, admin: CheckedClient) -> None:
    link = invite(admin)
    later = make_app(settings.model_copy(update={"invitation_days": -1}))
    client = later.test_client()
    assert isinstance(client, CheckedClient)
    assert DEAD in choose(client, link).text
    with later.app_context():
        db.engine.dispose()


def test_a_link_is_signed_with_the_key_of_its_own_application(
    app: Flask, settings: Settings, another, world: World, sign_in, client: CheckedClient
) -> None:
    link = invite(sign_in(world.user(Role.ADMIN)))
    stranger = another(settings.model_copy(update={"secret_key": "s" * 40})).test_client()
    assert DEAD in stranger.get(link, follow_redirects=True).text
    assert choose(client, link).status_code == 302


@pytest.mark.parametrize("token", ["x", "WyJ4Il0.aaaa.bbbb"])
def test_a_made_up_link_is_dead(client: CheckedClient, token: str) -> None:
    assert DEAD in choose(client, f"/reset/{token}").text


def test_the_password_must_be_long_and_typed_twice(app: Flask, admin: CheckedClient, client: CheckedClient) -> None:
    link = invite(admin)
    assert choose(client, link, "elevenchars").status_code == 200
    assert choose(client, link).status_code == 302


def test_a_disabled_account_gets_no_link_and_its_old_one_opens_nothing(app: Flask, admin: CheckedClient) -> None:
    link = invite(admin)
    page = f"/admin/accounts/{user_id(app, 'new@test.example')}"
    admin.submit(f"{page}/disable", SURE, page=page)
    refused = admin.submit(f"{page}/link", page=page)
    assert refused.status_code == 302
    assert "This account is disabled" in admin.get(page).text
    choose(new_client(app), link)
    fresh = new_client(app)
    assert fresh.submit("/login", {"email": "new@test.example", "password": CHOSEN}).status_code == 200
    assert fresh.get("/review/").status_code == 302


def test_the_page_for_a_forgotten_password_tells_nothing(app: Flask, world: World, client: CheckedClient) -> None:
    known, unknown = world.user(Role.GP), "nobody00@test.example"
    before = actions(app, ignore=())
    answers = [client.post("/reset", data={"csrf_token": client.token("/login"), "email": e}) for e in (known, unknown)]
    assert len({answer.status_code for answer in answers}) == 1
    assert len({without_token(answer.text).replace(known, "").replace(unknown, "") for answer in answers}) == 1
    assert actions(app, ignore=()) == before


def test_each_step_is_audited(app: Flask, admin: CheckedClient, client: CheckedClient) -> None:
    choose(client, invite(admin))
    new_link(app, admin, "new@test.example")
    assert actions(app) == ["account.invited", "account.password_set", "account.link_made"]
