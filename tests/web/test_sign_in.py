"""Signing in and out: reveals nothing about accounts, never redirects to another site, ends for good."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask_security import LoginForm

from tests.conftest import PASSWORD
from tests.web.helpers import count
from tests.web_client import CheckedClient, new_client, without_token
from webapp import create_app
from webapp.accounts import queries
from webapp.accounts.throttle import ATTEMPTS
from webapp.models import AuditEvent, Centre, Role


def session_of(client: CheckedClient) -> str:
    cookie = client.get_cookie("dermtriage")
    assert cookie is not None
    return cookie.value


def attempt(client: CheckedClient, email: str, password: str, path: str = "/login"):
    return client.submit(path, {"email": email, "password": password})


def without_secrets(html: str, email: str) -> str:
    """The page without its CSRF token and the email that was typed."""
    return without_token(html).replace(email, "EMAIL")


def test_every_failed_sign_in_looks_the_same(world, client: CheckedClient) -> None:
    known, disabled, unknown = world.user(Role.GP), world.user(Role.GP, active=False), "nobody00@test.example"
    pages = [
        without_secrets(attempt(client, email, password).text, email)
        for email, password in ((known, "wrong"), (unknown, "wrong"), (disabled, PASSWORD), (disabled, "wrong"))
    ]
    assert "Sign in" in pages[0]
    assert len(set(pages)) == 1


def test_a_failed_sign_in_leads_nowhere(world, client: CheckedClient) -> None:
    attempt(client, world.user(Role.GP), "wrong")
    assert client.get("/cases/").status_code == 302


def test_the_address_may_be_typed_in_capitals(world, client: CheckedClient) -> None:
    assert attempt(client, world.user(Role.GP).upper(), PASSWORD).status_code == 302


@pytest.mark.parametrize(
    ("role", "home"), [(Role.GP, "/cases/"), (Role.DERMATOLOGIST, "/review/"), (Role.ADMIN, "/admin/accounts")]
)
def test_everybody_starts_at_their_own_page(world, sign_in, role: Role, home: str) -> None:
    client = sign_in(world.user(role))
    assert client.get("/").location == home
    assert client.get(home).status_code == 200
    assert client.get("/profile").status_code == 200
    assert client.get("/help").status_code == 200


def test_sign_in_goes_on_where_it_was_asked_for(world, client: CheckedClient) -> None:
    wanted = client.get("/cases/?q=PC-7")
    assert wanted.location.startswith("/login?next=")
    answer = attempt(client, world.user(Role.GP), PASSWORD, wanted.location)
    assert answer.location.endswith("/cases/?q=PC-7")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        r"\\evil.example/",
        r"/\evil.example/",
        "https:evil.example",
        "javascript:alert(1)",
        "http://localhost.evil.example/",
        "/%09/evil.example",
        "///evil.example",
        "////evil.example",
        "https:/evil.example",
        "http:///evil.example",
        "\t//evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        " //evil.example",
        "\x01//evil.example",
        r"\/evil.example",
        "//evil.example@localhost/",
        "//localhost@evil.example/",
        "https://localhost.evil.example",
        "HTTPS://evil.example",
        "data:text/html,evil",
    ],
)
def test_sign_in_never_leads_to_another_site(world, client: CheckedClient, target: str) -> None:
    email = world.user(Role.GP)
    answer = client.post(
        "/login",
        query_string={"next": target},
        data={"csrf_token": client.token("/login"), "email": email, "password": PASSWORD, "next": target},
    )
    location = answer.headers.get("Location", "/")
    assert urlsplit(urljoin("http://localhost/login", location)).netloc == "localhost", location
    assert "\\" not in location, "browsers read a backslash as a slash"


def test_somebody_signed_in_already_is_not_sent_away_either(world, sign_in) -> None:
    client = sign_in(world.user(Role.GP))
    assert client.get("/login?next=//evil.example/").headers.get("Location", "/").startswith(("/cases", "/"))
    assert "evil" not in client.get("/login?next=//evil.example/").headers.get("Location", "/")


def test_the_session_before_sign_in_is_not_the_one_after(world, client: CheckedClient) -> None:
    client.get("/login")
    before = session_of(client)
    attempt(client, world.user(Role.GP), PASSWORD)
    assert session_of(client) != before
    stranger = client.application.test_client()
    stranger.set_cookie("dermtriage", before)
    assert stranger.get("/cases/").status_code == 302


def test_two_people_one_after_the_other_on_one_computer(world, client: CheckedClient) -> None:
    gp, dermatologist = world.user(Role.GP, name="Test First"), world.user(Role.DERMATOLOGIST, name="Test Second")
    client.sign_in(gp, PASSWORD)
    client.submit("/logout", page="/profile")
    client.sign_in(dermatologist, PASSWORD)
    page = client.get("/profile").text
    assert "Test Second" in page
    assert "Test First" not in page


def test_signing_out_needs_a_post_and_ends_the_session(world, sign_in) -> None:
    client = sign_in(world.user(Role.GP))
    assert client.get("/logout").status_code == 405
    assert client.get("/cases/").status_code == 200
    assert client.submit("/logout", page="/profile").location == "/login"
    assert client.get("/cases/").status_code == 302


def test_there_is_no_remember_me(world, sign_in) -> None:
    client = sign_in(world.user(Role.GP))
    assert client.get_cookie("remember_token") is None
    assert "remember" not in client.application.test_client().get("/login").text.lower()


def test_the_cookie_is_closed_to_scripts_and_other_sites(world, app: Flask) -> None:
    cookie = app.test_client().get("/login").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Expires" not in cookie, "it ends with the browser"


def test_guessing_is_slowed_down_for_one_account_only(world, app: Flask) -> None:
    email, other = world.user(Role.GP), world.user(Role.GP)
    client = new_client(app)
    answers = [attempt(client, email, "wrong").status_code for _ in range(ATTEMPTS)]
    assert set(answers) == {200}
    refused = attempt(client, email.upper(), PASSWORD)
    assert refused.status_code == 429
    assert "Please wait a minute" in refused.text
    assert attempt(new_client(app), other, PASSWORD).status_code == 302


def test_a_sign_in_is_audited_once(app: Flask, world, sign_in) -> None:
    email = world.user(Role.GP)
    before = count(app, AuditEvent)
    sign_in(email)
    assert count(app, AuditEvent) == before + 1


def test_a_real_password_hash_is_costly(settings) -> None:
    """The tests use a cheap hash; the application must not."""
    from flask_security.utils import hash_password

    with create_app(settings).app_context():
        algorithm, _version, parameters = hash_password("any password").split("$")[1:4]
    cost = dict(part.split("=") for part in parameters.split(","))
    assert algorithm == "argon2id"
    assert int(cost["m"]) >= 19 * 1024
    assert int(cost["t"]) >= 2


def test_others_may_write_while_a_password_is_checked(app: Flask, world, client: CheckedClient, monkeypatch) -> None:
    """Hashing is slow on purpose; on SQLite a lock held meanwhile would block everybody."""
    real = LoginForm.validate

    def slow(form: LoginForm, **more: object) -> bool:
        valid = real(form, **more)
        with ThreadPoolExecutor(1) as colleague:
            colleague.submit(world.centre, "Written meanwhile").result()
        return valid

    monkeypatch.setattr(LoginForm, "validate", slow)
    assert attempt(client, world.user(Role.GP), PASSWORD).status_code == 302
    assert count(app, Centre) == 2


def test_a_password_is_hashed_anew_when_hashes_cost_more(app: Flask, world, client: CheckedClient) -> None:
    email = world.user(Role.GP)
    app.extensions["security"].pwd_context.update(argon2__time_cost=2)
    assert attempt(client, email, PASSWORD).status_code == 302
    with app.app_context():
        stored = queries.by_email(email)
        assert stored is not None
        assert ",t=2," in stored.password


def change_password(client: CheckedClient, present: str, new: str):
    data = {"password": present, "new_password": new, "new_password_confirm": new}
    return client.submit("/change", data)


def test_changing_the_password_ends_the_other_sessions(world, sign_in) -> None:
    email = world.user(Role.GP)
    here, elsewhere = sign_in(email), sign_in(email)
    assert change_password(here, "not my password", "another long password").status_code == 200
    assert elsewhere.get("/cases/").status_code == 200
    assert change_password(here, PASSWORD, "another long password").status_code == 302
    assert here.get("/cases/").status_code == 200
    assert elsewhere.get("/cases/").status_code == 302


def test_a_short_password_is_refused(world, sign_in) -> None:
    answer = change_password(sign_in(world.user(Role.GP)), PASSWORD, "elevenchars")
    assert answer.status_code == 200
    assert "12 characters" in answer.text
