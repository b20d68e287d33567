"""Exact response headers, on every kind of response."""

import pytest
from flask import Flask, request

from tests.conftest import PASSWORD, World, make_app
from tests.web.doors import Clinic, knock
from tests.web.helpers import image_ids
from tests.web.test_invitations import link_on
from tests.web_client import new_client
from webapp.core.extensions import db
from webapp.models import Role

EXPECTED = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; object-src 'none'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), geolocation=(), microphone=()",
}


def assert_headers(response) -> None:
    for name, value in EXPECTED.items():
        assert response.headers.getlist(name) == [value]
    assert "X-Powered-By" not in response.headers


@pytest.mark.parametrize("path", ["/login", "/", "/healthz", "/nowhere", "/static/css/dermtriage.css", "/logout"])
def test_every_answer_carries_them(client, path: str) -> None:
    assert_headers(client.get(path, buffered=True))


def test_an_image_carries_them_and_is_not_kept(app, world: World, sign_in) -> None:
    gp = world.user(Role.GP)
    (image_id,) = image_ids(app, world.case(gp))
    response = sign_in(gp).get(f"/media/images/{image_id}")
    assert_headers(response)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Disposition"] == "inline"


def test_signing_out_leaves_no_draft_in_the_browser(world: World, sign_in) -> None:
    client = sign_in(world.user(Role.GP))
    assert "Clear-Site-Data" not in client.get("/cases/").headers
    assert client.submit("/logout", page="/cases/").headers["Clear-Site-Data"] == '"storage"'


@pytest.mark.parametrize("method", ["TRACE", "PUT", "DELETE", "PATCH", "CONNECT"])
def test_no_method_but_those_in_use(client, method: str) -> None:
    assert client.open("/login", method=method).status_code == 405


def test_only_static_files_may_be_kept(client) -> None:
    assert client.get("/static/css/dermtriage.css", buffered=True).headers["Cache-Control"] != "no-store"
    for path in ("/static/nothing.css", "/healthz", "/login"):
        assert client.get(path).headers["Cache-Control"] == "no-store"


def test_nothing_but_a_static_file_is_ever_kept(app: Flask, world: World, sign_in) -> None:
    """Every endpoint, for everybody it lets in: pages, images, heatmaps, letters, exports, polls."""
    emails = {"GP of A": world.user(Role.GP)}
    people = [world.user(role) for role in (Role.DERMATOLOGIST, Role.ADMIN)]
    clinic = Clinic(app, world, sign_in(world.user(Role.DERMATOLOGIST)), emails)
    for client in [*map(sign_in, [*emails.values(), *people]), app.test_client()]:
        for door in clinic.doors():
            if door.method == "GET" and door.endpoint != "static":
                response = knock(client, door)
                assert response.headers.getlist("Cache-Control") == ["no-store"], door
                assert_headers(response)


def cookies(response) -> dict[str, set[str]]:
    """The flags of each cookie set, by name, without how long it is kept."""
    lines = [line.split("; ") for line in response.headers.getlist("Set-Cookie")]
    return {
        first.split("=")[0]: {flag for flag in flags if not flag.startswith(("Max-Age=", "Expires="))}
        for first, *flags in lines
    }


def test_cookie_and_transport_on_one_machine(client) -> None:
    response = client.get("/login")
    assert cookies(response) == {"dermtriage": {"HttpOnly", "Path=/", "SameSite=Lax"}}
    assert "Strict-Transport-Security" not in response.headers


def test_cookie_and_transport_under_tls(settings, world: World) -> None:
    """``__Host-``: no other host of the domain, and nobody in between, can set it."""
    app = make_app(settings.model_copy(update={"https": True}))
    client = app.test_client()
    gp = world.user(Role.GP)
    response = client.get("/login", base_url="https://localhost")
    flags = {"HttpOnly", "Path=/", "SameSite=Lax", "Secure"}
    assert cookies(response) == {"__Host-dermtriage": flags}
    assert response.headers.getlist("Strict-Transport-Security") == ["max-age=31536000; includeSubDomains"]
    token = response.text.split('name="csrf_token" type="hidden" value="')[1].split('"')[0]
    signed_in = client.post(
        "/login",
        data={"csrf_token": token, "email": gp, "password": PASSWORD},
        base_url="https://localhost",
        headers={"Referer": "https://localhost/login"},
    )
    assert signed_in.status_code == 302
    assert cookies(signed_in) == {"__Host-dermtriage": flags, "__Host-dermtriage-device": flags}
    with app.app_context():
        db.engine.dispose()


FORWARDED = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}


@pytest.mark.parametrize(
    ("proxies", "seen"),
    [(0, ("127.0.0.1", "http", "localhost")), (1, ("203.0.113.7", "https", "localhost"))],
)
def test_what_a_proxy_says_counts_only_if_there_is_one(settings, proxies: int, seen: tuple[str, ...]) -> None:
    app = make_app(settings.model_copy(update={"trusted_proxies": proxies}))
    found = []
    app.before_request(lambda: found.append((request.remote_addr, request.scheme, request.host)))
    app.test_client().get("/healthz", headers=FORWARDED)
    assert found == [seen]
    with app.app_context():
        db.engine.dispose()


def test_more_proxies_than_there_are_cannot_be_claimed(settings) -> None:
    app = make_app(settings.model_copy(update={"trusted_proxies": 1}))
    found = []
    app.before_request(lambda: found.append(request.remote_addr))
    app.test_client().get("/healthz", headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.7"})
    assert found == ["203.0.113.7"], "the last one is what the proxy itself has seen"
    with app.app_context():
        db.engine.dispose()


@pytest.mark.parametrize(
    "host", ["evil.example", "triage.example.org.evil.example", "triage.example.org:99@evil.example"]
)
def test_a_host_that_is_not_ours_is_refused(settings, host: str) -> None:
    app = make_app(settings.model_copy(update={"trusted_hosts": ("triage.example.org", "localhost")}))
    client = app.test_client()
    for method, path in (("GET", "/login"), ("POST", "/admin/accounts/new"), ("GET", "/nowhere")):
        response = client.open(path, method=method, headers={"Host": host})
        assert response.status_code == 400
        assert "evil" not in response.text
    for ours in ("triage.example.org", "Triage.Example.ORG", "TRIAGE.EXAMPLE.ORG:443"):
        assert client.get("/login", headers={"Host": ours}).status_code == 200
    with app.app_context():
        db.engine.dispose()


def test_the_link_of_an_invitation_names_our_host_only(settings, world: World) -> None:
    """Otherwise somebody who makes a browser or cache send another host would get the link of a new account."""
    app = make_app(settings.model_copy(update={"trusted_hosts": ("localhost",)}))
    boss = new_client(app)
    boss.sign_in(world.user(Role.ADMIN), PASSWORD)
    form = {"email": "new@test.example", "name": "Test New", "role": "dermatologist", "centre_id": ""}
    form["csrf_token"] = boss.token("/admin/accounts/new")
    attacked = boss.post("/admin/accounts/new", data=form, headers={"Host": "evil.example"})
    assert attacked.status_code == 400
    assert link_on(boss.post("/admin/accounts/new", data=form).text).startswith("/reset/")
    with app.app_context():
        db.engine.dispose()
