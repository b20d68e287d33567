"""A session ends by time, by its owner or by an administrator; polling keeps nobody signed in."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from tests.conftest import PASSWORD, World
from tests.web.helpers import SURE, actions, counted_queries, user_id, words
from tests.web_client import CheckedClient, new_client
from webapp.accounts import sessions
from webapp.accounts.browsers import browser_in_words
from webapp.accounts.sessions import POLLS, ROWS_KEPT
from webapp.core.config import Settings
from webapp.core.database import reading, transaction
from webapp.models import Role, SignInSession, User, utcnow

FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"
OUT = 302
POLLED = {
    "review.news": (Role.DERMATOLOGIST, "/review/news"),
    "cases.updates": (Role.GP, "/cases/list"),
    "cases.status": (Role.GP, "/cases/{number}/status"),
    "operation.rerun_status": (Role.ADMIN, "/admin/models/progress"),
    "accounts.time_left": (Role.GP, "/session"),
}


def rows(app: Flask) -> list[SignInSession]:
    with app.app_context(), reading() as session:
        found = list(session.scalars(select(SignInSession).order_by(SignInSession.id)))
        session.expunge_all()
        return found


def set_back(app: Flask, column: str, by: timedelta) -> None:
    """As if that much time had passed for every session."""
    with app.app_context(), transaction() as session:
        session.execute(update(SignInSession).values({column: utcnow() - by}))


@pytest.fixture
def gp(world: World) -> str:
    return world.user(Role.GP)


@pytest.fixture
def at_work(gp: str, sign_in) -> CheckedClient:
    client: CheckedClient = sign_in(gp)
    return client


def test_the_row_knows_no_more_than_a_hash(app: Flask, at_work: CheckedClient) -> None:
    with at_work.session_transaction() as cookie:
        token = cookie["sign_in"]
    (row,) = rows(app)
    assert row.token_sha256 == hashlib.sha256(token.encode()).hexdigest()
    assert len(token) >= 43, "256 bits"


def test_each_sign_in_has_a_token_of_its_own_and_leaves_nothing_of_before(app: Flask, gp: str, client) -> None:
    tokens = set()
    for _ in range(2):
        client.get("/login")
        with client.session_transaction() as cookie:
            cookie["planted"] = "by somebody before"
            before = cookie["csrf_token"]
        client.sign_in(gp, PASSWORD)
        with client.session_transaction() as cookie:
            assert "planted" not in cookie
            assert cookie.get("csrf_token") != before
            tokens.add(cookie["sign_in"])
        client.submit("/logout", page="/profile")
    assert len(tokens) == 2


def test_a_token_that_is_not_ours_is_nobodys(app: Flask, at_work: CheckedClient) -> None:
    for planted in ("", "x" * 43, rows(app)[0].token_sha256):
        with at_work.session_transaction() as cookie:
            cookie["sign_in"] = planted
        assert at_work.get("/cases/").status_code == OUT


def test_a_session_of_somebody_else_is_no_use(app: Flask, world: World, at_work: CheckedClient, sign_in) -> None:
    other = sign_in(world.user(Role.ADMIN))
    with other.session_transaction() as cookie:
        token = cookie["sign_in"]
    with at_work.session_transaction() as cookie:
        cookie["sign_in"] = token
    assert at_work.get("/cases/").status_code == OUT


@pytest.mark.parametrize(("minutes", "status"), [(14, 200), (15.01, OUT)])
def test_who_does_nothing_is_signed_out(app: Flask, at_work: CheckedClient, minutes: float, status: int) -> None:
    set_back(app, "seen_at", timedelta(minutes=minutes))
    assert at_work.get("/cases/").status_code == status


def test_the_sign_in_page_says_why(app: Flask, at_work: CheckedClient) -> None:
    set_back(app, "seen_at", timedelta(hours=1))
    page = at_work.get(at_work.get("/cases/").location).text
    assert "because of inactivity" in page
    assert "nothing was done" not in at_work.get(at_work.get("/cases/").location).text, "once"


@pytest.mark.parametrize(("hours", "status"), [(11.9, 200), (12.01, OUT)])
def test_a_session_ends_after_a_working_day(app: Flask, at_work: CheckedClient, hours: float, status: int) -> None:
    set_back(app, "started_at", timedelta(hours=hours))
    assert at_work.get("/cases/").status_code == status


@pytest.mark.parametrize("changes", [{"idle_minutes": 2}, {"session_hours": 1}])
def test_the_limits_are_settings(app: Flask, at_work: CheckedClient, settings: Settings, monkeypatch, changes) -> None:
    set_back(app, "seen_at", timedelta(minutes=3))
    set_back(app, "started_at", timedelta(hours=2))
    monkeypatch.setitem(app.extensions, "settings", settings.model_copy(update=dict(**changes)))
    assert at_work.get("/cases/").status_code == OUT


def test_every_poll_is_named_here() -> None:
    assert set(POLLED) == POLLS


@pytest.mark.parametrize("poll", sorted(POLLED))
def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(app: Flask, world: World, gp: str, sign_in, poll) -> None:
    role, path = POLLED[poll]
    number = world.case(gp)
    client = sign_in(gp if role is Role.GP else world.user(role))
    set_back(app, "seen_at", timedelta(minutes=5))
    before = [row.seen_at for row in rows(app)]
    assert client.get(path.format(number=number)).status_code == 200
    assert [row.seen_at for row in rows(app)] == before
    client.get("/profile")
    assert rows(app)[-1].seen_at > before[-1]


def test_it_is_noted_about_once_a_minute(app: Flask, at_work: CheckedClient) -> None:
    before = rows(app)[0].seen_at
    at_work.get("/cases/")
    assert rows(app)[0].seen_at == before
    set_back(app, "seen_at", timedelta(seconds=61))
    at_work.get("/cases/")
    assert rows(app)[0].seen_at >= before


def test_account_and_session_are_one_query(app: Flask, at_work: CheckedClient) -> None:
    with counted_queries(app) as statements:
        assert at_work.get("/help").status_code == 200
    assert len([text for text in statements if "sign_in_session" in text]) == 1
    assert len([text for text in statements if "FROM user_account" in text]) == 1


def test_it_is_noted_after_the_pages_own_transaction(app: Flask, at_work: CheckedClient) -> None:
    """And no query follows it."""
    set_back(app, "seen_at", timedelta(minutes=2))
    with counted_queries(app) as statements:
        assert at_work.get("/cases/").status_code == 200
    noted = [position for position, text in enumerate(statements) if text.startswith("UPDATE sign_in_session")]
    assert noted == [len(statements) - 1]


def test_a_page_comes_even_if_it_cannot_be_noted(app: Flask, at_work: CheckedClient, monkeypatch) -> None:
    def away() -> None:
        raise OperationalError("SQL", {}, Exception("the database is busy"))

    set_back(app, "seen_at", timedelta(minutes=2))
    monkeypatch.setattr(sessions, "apart", away)
    assert at_work.get("/cases/").status_code == 200


def test_signing_out_ends_this_session_only(app: Flask, gp: str, sign_in) -> None:
    here, elsewhere = sign_in(gp), sign_in(gp)
    here.submit("/logout", page="/profile")
    assert here.get("/cases/").status_code == OUT
    assert elsewhere.get("/cases/").status_code == 200
    assert [row.ended_at is None for row in rows(app)] == [False, True]


def test_one_sees_where_one_is_signed_in_and_ends_the_others(app: Flask, gp: str, world: World, sign_in) -> None:
    elsewhere, here, stranger = sign_in(gp), new_client(app), sign_in(world.user(Role.GP))
    page = here.post(
        "/login",
        data={"csrf_token": here.token("/login"), "email": gp, "password": PASSWORD},
        headers={"User-Agent": FIREFOX},
    )
    assert page.status_code == 302
    shown = words(here.get("/profile").text)
    assert "Firefox on Windows (this device)" in shown
    assert "Unknown browser" in shown
    here.submit("/profile/sign-out-elsewhere", page="/profile")
    assert here.get("/cases/").status_code == 200
    assert elsewhere.get("/cases/").status_code == OUT
    assert stranger.get("/cases/").status_code == 200
    assert "Unknown browser" not in words(here.get("/profile").text)
    assert actions(app) == ["account.sessions_ended"]


def test_what_ended_by_time_is_not_shown(app: Flask, gp: str, sign_in) -> None:
    sign_in(gp)
    set_back(app, "seen_at", timedelta(hours=1))
    assert sign_in(gp).get("/profile").text.count("Unknown browser") == 1


@pytest.mark.parametrize("way", ["disable", "link", "role", "second factor"])
def test_an_administrator_ends_all_sessions_at_once(app: Flask, world: World, gp: str, sign_in, way: str) -> None:
    both = [sign_in(gp), sign_in(gp)]
    boss = sign_in(world.user(Role.ADMIN))
    page = f"/admin/accounts/{user_id(app, gp)}"
    if way == "role":
        boss.submit(page, {"name": "Test GP", "role": "dermatologist", **SURE})
    elif way == "second factor":
        boss.submit(f"{page}/second-factor", {"sure": "y"}, page=page)
    else:
        boss.submit(f"{page}/{way}", SURE, page=page)
    assert [client.get("/profile").status_code for client in both] == [OUT, OUT]
    assert [row.ended_at is None for row in rows(app)] == [False, False, True]
    assert "account.sessions_ended" in actions(app)


def test_the_uniquifier_is_a_switch_for_the_whole_account(app: Flask, gp: str, at_work: CheckedClient) -> None:
    with app.app_context(), transaction() as session:
        session.execute(update(User).where(User.email == gp).values(fs_uniquifier="another"))
    assert at_work.get("/cases/").status_code == OUT


def told(response: TestResponse) -> dict[str, Any]:
    assert isinstance(response.json, dict)
    return response.json


def test_asking_for_the_time_left_prolongs_nothing_and_being_there_does(app: Flask, at_work: CheckedClient) -> None:
    set_back(app, "seen_at", timedelta(minutes=14))
    assert told(at_work.get("/session"))["seconds"] <= 60
    token = told(at_work.get("/session"))["token"]
    stay = at_work.post("/session", headers={"X-CSRFToken": token})
    assert 14 * 60 < told(stay)["seconds"] <= 15 * 60
    assert 14 * 60 < told(at_work.get("/session"))["seconds"] <= 15 * 60


def test_being_there_does_not_prolong_the_day(app: Flask, at_work: CheckedClient) -> None:
    set_back(app, "started_at", timedelta(hours=11, minutes=59))
    token = told(at_work.get("/session"))["token"]
    assert told(at_work.post("/session", headers={"X-CSRFToken": token}))["seconds"] <= 60


def test_a_page_knows_how_long_it_may_stay_open(app: Flask, at_work: CheckedClient) -> None:
    set_back(app, "seen_at", timedelta(minutes=10))
    page = at_work.get("/cases/new").text
    assert 'data-seconds="900"' in page, "opening it is doing something"


def test_no_token_of_flask_security_signs_in(app: Flask, gp: str, client: CheckedClient) -> None:
    """It would bypass our limits and the second factor."""
    with app.app_context(), reading() as session:
        token = session.scalars(select(User).where(User.email == gp)).one().get_auth_token()
    assert client.get("/cases/", headers={"Authentication-Token": token}).status_code == OUT
    assert client.get(f"/cases/?auth_token={token}").status_code == OUT
    answer = client.post(
        "/login?include_auth_token",
        json={"email": gp, "password": PASSWORD},
        headers={"X-CSRFToken": client.token("/login"), "Accept": "application/json"},
    )
    assert "authentication_token" not in answer.text


def test_old_rows_go_away(app: Flask, gp: str, sign_in) -> None:
    sign_in(gp)
    set_back(app, "started_at", ROWS_KEPT + timedelta(days=1))
    sign_in(gp)
    assert len(rows(app)) == 1


@pytest.mark.parametrize(
    ("user_agent", "told"),
    [
        (FIREFOX, "Firefox on Windows"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 Version/18.0 Mobile Safari/604.1",
            "Safari on iPhone",
        ),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36", "Chrome on Linux"),
        ("curl/8.0", "Unknown browser"),
        ("<script>" * 100, "Unknown browser"),
    ],
)
def test_a_browser_in_words(user_agent: str, told: str) -> None:
    assert browser_in_words(user_agent) == told
