"""Guessing is slow: five attempts a minute per account and kind of secret, counted before the secret is checked.

Who guesses where the account has never signed in waits longer and longer; where it has, nobody is held up by that.
"""

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import PASSWORD, World, make_app
from tests.web.authenticator import give_code, give_password, set_up, wrong_code
from tests.web.helpers import actions, count
from tests.web_client import CheckedClient, new_client
from webapp.accounts import service, throttle
from webapp.accounts.throttle import ATTEMPTS, LONGEST, WINDOW
from webapp.core.config import Settings
from webapp.core.database import reading, transaction
from webapp.core.extensions import db
from webapp.models import Attempt, AttemptKind, Role, utcnow

NEW = "another long sentence of mine"


@pytest.fixture
def gp(world: World) -> str:
    return world.user(Role.GP)


def statuses(attempt: Callable[[], int], number: int = ATTEMPTS + 1) -> list[int]:
    return [attempt() for _ in range(number)]


def sign_in_wrongly(client: CheckedClient, email: str) -> int:
    return client.submit("/login", {"email": email, "password": "wrong"}).status_code


def set_back(app: Flask, time: timedelta) -> None:
    """The attempts so far, made so much earlier."""
    with app.app_context(), transaction() as session:
        for attempt in session.scalars(select(Attempt)):
            attempt.at -= time + timedelta(seconds=1)


def a_minute_later(app: Flask) -> None:
    set_back(app, WINDOW)


def test_five_passwords_a_minute(app: Flask, gp: str, client: CheckedClient) -> None:
    assert ATTEMPTS == 5
    assert statuses(lambda: sign_in_wrongly(client, gp)) == [200] * ATTEMPTS + [429]
    refused = give_password(client, gp)
    assert refused.status_code == 429, "the right one is not even looked at"
    assert "Please wait a minute" in refused.text
    a_minute_later(app)
    assert give_password(client, gp).status_code == 302


def test_others_are_not_held_up(world: World, gp: str, client: CheckedClient) -> None:
    statuses(lambda: sign_in_wrongly(client, gp))
    assert give_password(client, world.user(Role.GP)).status_code == 302


@pytest.mark.parametrize("change", [str.upper, str.title, lambda email: f"  {email} "])
def test_another_way_to_write_the_account_is_the_same_account(gp: str, client: CheckedClient, change) -> None:
    """Also for an account that does not exist: otherwise this would reveal which ones do."""
    for email in (gp, "nobody@test.example"):
        statuses(partial(sign_in_wrongly, client, email), ATTEMPTS)
        assert sign_in_wrongly(client, change(email)) == 429


def test_an_account_that_is_none_is_counted_alike(client: CheckedClient) -> None:
    """Otherwise the limit would reveal which accounts exist."""
    assert statuses(lambda: sign_in_wrongly(client, "nobody@test.example")) == [200] * ATTEMPTS + [429]
    assert sign_in_wrongly(client, "somebody@test.example") == 200


def test_json_is_counted_too(gp: str, client: CheckedClient) -> None:
    def attempt() -> int:
        headers = {"X-CSRFToken": client.token("/login")}
        return client.post("/login", json={"email": gp, "password": "wrong"}, headers=headers).status_code

    assert statuses(attempt) == [200] * ATTEMPTS + [429]


def test_who_keeps_on_guessing_does_not_lock_the_owner_out_for_longer(app: Flask, gp: str, client) -> None:
    statuses(lambda: sign_in_wrongly(client, gp), ATTEMPTS)
    set_back(app, timedelta(seconds=29))
    assert sign_in_wrongly(client, gp) == 429
    with app.app_context(), transaction() as session:
        latest = session.scalars(select(Attempt.at).order_by(Attempt.at.desc())).first()
    assert latest < utcnow() - timedelta(seconds=20), "what was refused is not counted"


def test_it_counts_in_the_database_for_every_process(settings: Settings, gp: str, client: CheckedClient) -> None:
    statuses(lambda: sign_in_wrongly(client, gp), ATTEMPTS - 1)
    other = make_app(settings)
    assert statuses(lambda: sign_in_wrongly(new_client(other), gp), 2) == [200, 429]
    with other.app_context():
        db.engine.dispose()


def test_attempts_at_once_do_not_slip_through(app: Flask, gp: str) -> None:
    """Each reads the count before any other has finished, as far as the database allows."""
    together, free, refused = threading.Barrier(4 * ATTEMPTS), [], []

    def attempt() -> None:
        with app.app_context():
            together.wait()
            try:
                throttle.count(AttemptKind.SIGN_IN, None, gp)
            except throttle.TooManyRequests:
                refused.append(1)
            else:
                free.append(1)
            finally:
                db.session.remove()

    threads = [threading.Thread(target=attempt) for _ in range(4 * ATTEMPTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(free), len(refused)) == (ATTEMPTS, 3 * ATTEMPTS)


def test_an_attempt_stays_when_the_request_fails(app: Flask, gp: str, client: CheckedClient, monkeypatch) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(service, "sign_in_failed", lambda _user: 1 / 0)
    assert sign_in_wrongly(client, gp) == 500
    assert count(app, Attempt) == 1


def test_the_table_says_nothing_of_the_account_and_is_swept(app: Flask, gp: str, client: CheckedClient) -> None:
    sign_in_wrongly(client, gp)
    sign_in_wrongly(client, "nobody@test.example")
    with app.app_context(), reading() as session:
        kept = [f"{row.account} {row.kind}" for row in session.scalars(select(Attempt))]
    assert len(kept) == 2
    assert not any("test" in row or gp[:6] in row for row in kept)
    set_back(app, LONGEST)
    sign_in_wrongly(client, "another@test.example")
    assert count(app, Attempt) == 1


def test_the_present_password_is_guessed_as_slowly(gp: str, sign_in) -> None:
    client = sign_in(gp)

    def attempt(present: str = "wrong") -> int:
        data = {"password": present, "new_password": NEW, "new_password_confirm": NEW}
        return client.submit("/change", data).status_code

    assert statuses(attempt) == [200] * ATTEMPTS + [429]
    assert attempt(PASSWORD) == 429
    assert client.submit("/verify", {"password": PASSWORD}).status_code == 429, "and not by another door"


@pytest.fixture
def reader(app: Flask, world: World, settings: Settings, monkeypatch) -> str:
    """A reader who needs a second factor and has one."""
    monkeypatch.setitem(app.extensions, "settings", settings.model_copy(update={"second_factor": True}))
    return world.user(Role.DERMATOLOGIST)


def test_a_code_is_guessed_as_slowly(app: Flask, reader: str, client: CheckedClient) -> None:
    key = set_up(app, reader)
    give_password(client, reader)
    assert statuses(lambda: give_code(client, wrong_code(key)).status_code) == [200] * ATTEMPTS + [429]
    other = new_client(app)
    give_password(other, reader)
    assert give_code(other, wrong_code(key)).status_code == 429, "a new sign-in does not begin anew"


def test_a_recovery_code_is_guessed_as_slowly(app: Flask, reader: str, client: CheckedClient) -> None:
    set_up(app, reader)
    give_password(client, reader)

    def attempt() -> int:
        return client.submit("/mf-recovery", {"code": "0000-0000-0000"}).status_code

    assert statuses(attempt) == [200] * ATTEMPTS + [429]


def test_failed_sign_ins_are_audited_for_accounts_that_exist(app: Flask, gp: str, client: CheckedClient) -> None:
    sign_in_wrongly(client, gp)
    sign_in_wrongly(client, "nobody@test.example")
    assert actions(app) == ["account.sign_in_failed"]
