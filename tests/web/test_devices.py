"""A stranger who guesses keeps nobody out: a browser in which the account has signed in has a count of its own."""

import re
from datetime import timedelta

import pytest
from flask import Flask

from tests.conftest import PASSWORD, World
from tests.web.authenticator import give_code, give_password, set_up, wrong_code
from tests.web.helpers import count
from tests.web.test_throttle import set_back, sign_in_wrongly, statuses
from tests.web_client import CheckedClient, new_client
from webapp.accounts import devices
from webapp.accounts.throttle import ATTEMPTS, LONGEST, STRANGERS, WINDOW
from webapp.core.config import Settings
from webapp.models import Attempt, Role

COOKIE = "dermtriage-device"


@pytest.fixture
def gp(world: World) -> str:
    return world.user(Role.GP)


@pytest.fixture
def own(app: Flask, gp: str) -> CheckedClient:
    """The GP's own browser, signed out."""
    client = new_client(app)
    client.sign_in(gp, PASSWORD)
    client.submit("/logout", page="/profile")
    return client


def guess_until_refused(client: CheckedClient, email: str) -> None:
    for _ in range(STRANGERS[-1][0]):
        if sign_in_wrongly(client, email) == 429:
            return
    pytest.fail("never refused")


def test_a_stranger_who_keeps_guessing_does_not_keep_the_owner_out(app: Flask, gp: str, own: CheckedClient) -> None:
    for _ in range(17):
        guess_until_refused(new_client(app), gp)
        assert give_password(own, gp).status_code == 302
        own.submit("/logout", page="/profile")
        set_back(app, timedelta(minutes=1))


def test_the_own_browser_guesses_five_times_a_minute_too(app: Flask, gp: str, own: CheckedClient) -> None:
    assert statuses(lambda: sign_in_wrongly(own, gp)) == [200] * ATTEMPTS + [429]
    set_back(app, WINDOW)
    assert give_password(own, gp).status_code == 302


def test_what_is_guessed_in_the_own_browser_holds_up_nobody_else(app: Flask, gp: str, own: CheckedClient) -> None:
    guess_until_refused(own, gp)
    assert give_password(new_client(app), gp).status_code == 302


def test_the_pause_of_strangers_grows_and_that_of_the_owner_does_not(app: Flask, gp: str, own: CheckedClient) -> None:
    stranger, pauses = new_client(app), []
    for pause in (1, 10, 10, 0):
        guess_until_refused(stranger, gp)
        page = stranger.submit("/login", {"email": gp, "password": "wrong"}).text
        found = re.search(r"Please wait (a|\d+) minutes?, then", page)
        assert found
        pauses.append(found[1])
        set_back(app, timedelta(minutes=pause))
    assert pauses == ["a", "9", "a", "39"], "at most ten in ten minutes and twenty in an hour"
    for _ in range(5):
        guess_until_refused(own, gp)
        set_back(app, WINDOW)
    assert give_password(own, gp).status_code == 302


def test_within_an_hour_strangers_get_twenty_attempts(app: Flask, gp: str) -> None:
    client, made = new_client(app), 0
    for _minute in range(0, 60, 2):
        made += statuses(lambda: sign_in_wrongly(client, gp)).count(200)
        set_back(app, timedelta(minutes=2) - timedelta(seconds=1))
    assert made == STRANGERS[-1][0] == 20


def test_right_ones_are_not_counted(app: Flask, gp: str) -> None:
    """Who signs in often, each time in a new browser, is no guesser."""
    for _ in range(2 * ATTEMPTS):
        assert give_password(new_client(app), gp).status_code == 302
    assert count(app, Attempt) == 0


def test_a_browser_is_known_to_those_who_signed_in_there_only(app: Flask, world: World, gp: str, own) -> None:
    colleague = world.user(Role.GP)
    guess_until_refused(new_client(app), colleague)
    assert give_password(own, colleague).status_code == 429
    set_back(app, LONGEST)
    assert give_password(own, colleague).status_code == 302
    own.submit("/logout", page="/profile")
    guess_until_refused(new_client(app), colleague)
    guess_until_refused(new_client(app), gp)
    for email in (gp, colleague):
        assert give_password(own, email).status_code == 302, "a shared computer knows both"
        own.submit("/logout", page="/profile")


def test_a_cookie_that_we_did_not_sign_is_a_stranger_s(app: Flask, gp: str, own: CheckedClient) -> None:
    cookie = own.get_cookie(COOKIE)
    assert cookie is not None
    guess_until_refused(new_client(app), gp)
    for value in (cookie.value[:-2] + "xx", "", "x", cookie.value.replace(".", "!")):
        other = new_client(app)
        other.set_cookie(COOKIE, value)
        assert give_password(other, gp).status_code == 429


def test_it_opens_nothing_and_names_nobody(app: Flask, gp: str, own: CheckedClient) -> None:
    cookie = own.get_cookie(COOKIE)
    assert cookie is not None
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    assert cookie.max_age == devices.KNOWN_FOR.total_seconds()
    assert own.get("/cases/").status_code == 302
    with app.app_context():
        text = str(devices._serializer().loads(cookie.value))
    assert gp.partition("@")[0] not in text


def test_the_password_alone_does_not_make_a_browser_known(
    app: Flask, settings: Settings, world: World, monkeypatch
) -> None:
    monkeypatch.setitem(app.extensions, "settings", settings.model_copy(update={"second_factor": True}))
    reader, client = world.user(Role.DERMATOLOGIST), new_client(app)
    key = set_up(app, reader)
    give_password(client, reader)
    assert give_code(client, wrong_code(key)).status_code == 200
    assert client.get_cookie(COOKIE) is None


def test_a_clock_set_back_locks_nobody_out(app: Flask, gp: str) -> None:
    client = new_client(app)
    guess_until_refused(client, gp)
    set_back(app, timedelta(days=-1))
    assert give_password(client, gp).status_code == 302
    assert count(app, Attempt) == 0


def test_the_cookie_holds_the_latest_accounts(app: Flask, world: World, monkeypatch) -> None:
    monkeypatch.setattr(devices, "MOST_ACCOUNTS", 2)
    client = new_client(app)
    people = [world.user(Role.GP) for _ in range(3)]
    for email in people:
        client.sign_in(email, PASSWORD)
        client.submit("/logout", page="/profile")
    for email, status in zip(people, (429, 302, 302), strict=True):
        guess_until_refused(new_client(app), email)
        other = new_client(app)
        cookie = client.get_cookie(COOKIE)
        assert cookie is not None
        other.set_cookie(COOKIE, cookie.value)
        assert give_password(other, email).status_code == status
