"""Passwords: long and not commonly used; a refused sign-in reveals nothing, not even by its timing."""

import pytest
from flask import Flask
from sqlalchemy import update

from tests.conftest import PASSWORD, World
from tests.web.helpers import words
from tests.web.test_invitations import choose, invite
from tests.web_client import CheckedClient, new_client
from webapp.accounts.passwords import LONGEST_PASSWORD
from webapp.core.database import transaction
from webapp.models import Role, User


@pytest.fixture
def client(world: World, sign_in) -> CheckedClient:
    signed_in: CheckedClient = sign_in(world.user(Role.GP, name="Henrietta Quimbleton", centre="Saint Wulfstan"))
    return signed_in


def change_to(client: CheckedClient, password: str):
    data = {"password": PASSWORD, "new_password": password, "new_password_confirm": password}
    return client.submit("/change", data)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("elevenchars", "at least 12 characters"),
        ("x" * (LONGEST_PASSWORD + 1), "no more than 128 characters"),
        ("password1234", "too easy to guess"),
        ("qwertyuiop12", "too easy to guess"),
        ("aaaaaaaaaaaaaaaa", "too easy to guess"),
        ("123412341234", "too easy to guess"),
        ("quimbleton12", "contains your name, email"),
        ("Henrietta2026", "contains your name, email"),
        ("wulfstan1234", "contains your name, email"),
        ("dermtriage12", "contains your name, email"),
    ],
)
def test_a_password_that_is_guessed_is_refused_with_the_reason(client, password: str, reason: str) -> None:
    answer = change_to(client, password)
    assert answer.status_code == 200
    assert reason in words(answer.text)
    assert password not in answer.text


@pytest.mark.parametrize(
    "password",
    ["four unrelated clinic verbs", "tractorlinenorbit", "ñandú größe βήτα 猫 dos", "vuqebtzkxmwp", "1" + "y7Kq" * 30],
)
def test_no_signs_or_digits_are_asked_for(client: CheckedClient, password: str) -> None:
    assert change_to(client, password).status_code == 302


def test_the_same_holds_for_the_first_password(app: Flask, world: World, sign_in) -> None:
    boss = sign_in(world.user(Role.ADMIN))
    link = invite(boss, email="abernathy@test.example")
    assert "too easy to guess" in choose(new_client(app), link, "password1234").text
    assert "contains your name" in choose(new_client(app), link, "abernathy123").text
    assert choose(new_client(app), link).status_code == 302


@pytest.mark.parametrize(
    "case", ["unknown", "wrong password", "disabled", "disabled, right password", "not joined yet"]
)
def test_a_refused_sign_in_is_the_same_answer_and_the_same_work(
    app: Flask, world: World, monkeypatch, case: str
) -> None:
    known, disabled, invited = world.user(Role.GP), world.user(Role.GP, active=False), world.user(Role.GP)
    with app.app_context(), transaction() as session:
        session.execute(update(User).where(User.email == invited).values(joined_at=None))
    email = {"unknown": "nobody00@test.example", "wrong password": known, "not joined yet": invited}.get(case, disabled)
    browser = new_client(app)
    token = browser.token("/login")
    done: list[str] = []
    noted(monkeypatch, done)
    password = PASSWORD if case == "disabled, right password" else "wrong words altogether"
    answer = browser.post("/login", data={"csrf_token": token, "email": email, "password": password})
    assert answer.status_code == 200
    assert "Incorrect email or password." in answer.text
    assert len(done) == 1, done


def noted(monkeypatch, done: list[str]) -> None:
    """Each real call of argon2."""
    import argon2.low_level

    for name in ("hash_secret", "hash_secret_raw", "verify_secret", "core"):
        real = getattr(argon2.low_level, name)

        def counting(*args: object, _real=real, _name=name, **kwargs: object) -> object:
            done.append(_name)
            return _real(*args, **kwargs)

        monkeypatch.setattr(argon2.low_level, name, counting)
