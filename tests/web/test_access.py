"""Deny by default: the access table names every endpoint and is enforced, for every role and with real rows."""

import pytest
from flask import Flask
from sqlalchemy import update

from tests.conftest import PASSWORD, World
from tests.web.doors import Clinic, Door, knock, to_sign_in
from tests.web.helpers import SURE, user_id
from tests.web_client import CheckedClient, new_client
from webapp.core.access import ACCESS, PUBLIC
from webapp.core.database import AUDITED_READS, LATER_AUDITED_READS, transaction
from webapp.models import Role, User

PEOPLE: dict[str, Role | None] = {
    "GP of A": Role.GP,
    "GP of B": Role.GP,
    "dermatologist": Role.DERMATOLOGIST,
    "administrator": Role.ADMIN,
    "disabled account": None,
    "nobody": None,
}
AT_WORK = [person for person in PEOPLE if person != "disabled account"]
ENDS_THE_SESSION = {"security.logout"}


@pytest.fixture
def emails(world: World) -> dict[str, str]:
    return {
        "GP of A": world.user(Role.GP, centre="Test Centre A"),
        "GP of B": world.user(Role.GP, centre="Test Centre B"),
        "dermatologist": world.user(Role.DERMATOLOGIST),
        "administrator": world.user(Role.ADMIN),
        "disabled account": world.user(Role.DERMATOLOGIST),
    }


@pytest.fixture
def clinic(app: Flask, world: World, emails: dict[str, str], sign_in) -> Clinic:
    return Clinic(app, world, sign_in(world.user(Role.DERMATOLOGIST)), emails)


def browser_of(app: Flask, emails: dict[str, str], sign_in, person: str) -> CheckedClient:
    if person == "nobody":
        return new_client(app)
    client: CheckedClient = sign_in(emails[person])
    if person == "disabled account":  # with the rest of the session intact
        with app.app_context(), transaction() as session:
            session.execute(update(User).where(User.email == emails[person]).values(active=False))
    return client


def test_every_endpoint_has_a_decision_and_every_decision_an_endpoint(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(ACCESS)


@pytest.mark.control("H8.1")
@pytest.mark.parametrize("person", PEOPLE)
def test_everybody_reaches_exactly_what_the_table_says(app: Flask, clinic: Clinic, emails, sign_in, person) -> None:
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # this test is about the role; CSRF has its own test
    client, role = browser_of(app, emails, sign_in, person), PEOPLE[person]
    for door in clinic.doors():
        if door.endpoint in ENDS_THE_SESSION:
            continue
        status = expected(door, role, own_centre=person != "GP of B")
        response = knock(client, door)
        told = "to sign in" if to_sign_in(response) else response.status_code
        if status == "in":
            assert told not in ("to sign in", 403, 404), (door, told)
        elif status is not None:
            assert told == status, (door, told)


def expected(door: Door, role: Role | None, *, own_centre: bool) -> str | int | None:
    allowed = ACCESS[door.endpoint]
    if allowed is PUBLIC:
        return None  # lets everybody in and redirects some
    if role is None:
        return "to sign in"
    if role not in allowed:
        return 403
    return "in" if own_centre or not door.leads_to_a_case else 404


@pytest.mark.control("H8.2")
def test_a_case_of_another_centre_is_not_there(app: Flask, clinic: Clinic, emails, sign_in) -> None:
    """The sweep above for one GP; and what is 404 for one GP exists for the other."""
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    own, foreign = (browser_of(app, emails, sign_in, person) for person in ("GP of A", "GP of B"))
    doors = [door for door in clinic.doors() if door.leads_to_a_case and Role.GP in (ACCESS[door.endpoint] or ())]
    assert len(doors) >= 11
    for door in doors:
        assert knock(foreign, door).status_code == 404, door
    for door in doors:
        assert knock(own, door).status_code != 404, door


@pytest.mark.control("H8.1")
def test_an_endpoint_that_the_table_forgot_lets_nobody_in(app: Flask, world, sign_in, monkeypatch) -> None:
    client = sign_in(world.user(Role.ADMIN))
    monkeypatch.delitem(ACCESS, "admin.accounts")
    assert client.get("/admin/accounts").status_code == 403


def test_looking_changes_nothing(app: Flask, clinic: Clinic, emails, sign_in) -> None:
    """Only the reads listed as audited leave a trace; every other GET changes no row."""
    browsers = {person: browser_of(app, emails, sign_in, person) for person in AT_WORK}
    before = clinic.everything()
    for client in browsers.values():
        for door in clinic.doors():
            if door.method == "GET" and door.endpoint not in AUDITED_READS | LATER_AUDITED_READS:
                knock(client, door)
    after = clinic.everything()
    assert {name: rows for name, rows in after.items() if rows != before[name]} == {}


def test_the_sweep_would_see_a_change(app: Flask, clinic: Clinic, emails, sign_in) -> None:
    client = browser_of(app, emails, sign_in, "GP of A")
    before = clinic.everything()
    client.get(f"/cases/{clinic.number}")
    assert clinic.everything() != before


def test_nothing_is_posted_without_the_token_of_the_session(app: Flask, clinic: Clinic, emails, sign_in) -> None:
    of_another_session = new_client(app).token("/login")
    browsers = {person: browser_of(app, emails, sign_in, person) for person in AT_WORK}
    before = clinic.everything()
    for person, client in browsers.items():
        for door in clinic.doors():
            for token in ({"csrf_token": of_another_session}, {}) if door.method == "POST" else ():
                response = knock(client, door, token)
                assert response.status_code == 400, (person, door)
                assert "This form has expired" in response.text
    assert clinic.everything() == before


@pytest.mark.control("H8.3")
def test_a_disabled_account_is_out_with_its_next_click(app: Flask, world, sign_in) -> None:
    admin, gp = world.user(Role.ADMIN), world.user(Role.GP)
    at_work = sign_in(gp)
    assert at_work.get("/cases/").status_code == 200
    page = f"/admin/accounts/{user_id(app, gp)}"
    sign_in(admin).submit(f"{page}/disable", SURE, page=page)
    assert at_work.get("/cases/").status_code == 302
    assert "Sign in" in at_work.submit("/login", {"email": gp, "password": PASSWORD}).text
