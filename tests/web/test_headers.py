"""Exact response headers, on every kind of answer."""

from dataclasses import replace

import pytest

from tests.conftest import World, make_app
from tests.web.helpers import image_ids
from webapp.models import Role

EXPECTED = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
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


def test_only_static_files_may_be_kept(client) -> None:
    assert client.get("/static/css/dermtriage.css", buffered=True).headers["Cache-Control"] != "no-store"
    for path in ("/static/nothing.css", "/healthz", "/login"):
        assert client.get(path).headers["Cache-Control"] == "no-store"


def test_plain_http_sends_no_hsts_and_https_does(settings, client) -> None:
    assert "Strict-Transport-Security" not in client.get("/login").headers
    response = make_app(replace(settings, https=True)).test_client().get("/login", base_url="https://localhost")
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Secure" in response.headers["Set-Cookie"]
