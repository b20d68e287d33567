"""A form sent after its session has ended: a plain message, and no input is lost."""

import io
import re
from datetime import timedelta
from html import unescape

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import PASSWORD, World
from tests.images import jpeg
from tests.web.helpers import filled_in, stored_case
from tests.web.reading import all_of, take
from tests.web.test_sessions import set_back
from tests.web_client import CheckedClient
from webapp.models import Role

OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}
ADVICE = 'Excision, please.\n<b>Two weeks</b> & "no longer".'
DECISION = {"diagnosis": "bcc", "management": "biopsy", "advice": ADVICE, "override_reason": ""}


@pytest.fixture
def reader(world: World) -> str:
    return world.user(Role.DERMATOLOGIST)


@pytest.fixture
def number(world: World) -> str:
    number = world.case(world.user(Role.GP))
    world.analyse(number, 0.9)
    return number


def fields(page: str) -> dict[str, str]:
    """Everything the page's form would send."""
    found = re.findall(r'<textarea name="(\w+)" hidden aria-hidden="true">\n(.*?)</textarea>', page, re.DOTALL)
    token = re.search(r'<form class="card-plain".*?name="csrf_token" value="([^"]+)"', page, re.DOTALL)
    assert token, page
    return {name: unescape(value) for name, value in found} | {"csrf_token": token.group(1)}


def send_too_late(
    app: Flask, client: CheckedClient, number: str, headers: dict[str, str] | None = None
) -> TestResponse:
    take(client, number)
    token, shown = client.token(f"/review/{number}"), all_of(client, number)
    set_back(app, "seen_at", timedelta(hours=1))
    form = {"csrf_token": token, "shown": shown, **DECISION}
    return client.post(f"/review/{number}/decide", data=form, headers=OUR_PAGE if headers is None else headers)


def test_it_is_said_plainly_and_what_was_typed_is_there(app: Flask, reader: str, number: str, sign_in) -> None:
    answer = send_too_late(app, sign_in(reader), number)
    assert answer.status_code == 401
    assert "You have been signed out" in answer.text
    assert "nothing was saved" in answer.text
    assert 'target="_blank"' in answer.text
    assert "Two weeks" in answer.text
    assert "<b>Two weeks" not in answer.text
    with stored_case(app, number) as case:
        assert not case.reviews


def test_signed_in_again_it_is_sent_again(app: Flask, reader: str, number: str, sign_in) -> None:
    client = sign_in(reader)
    left_open = fields(send_too_late(app, client, number).text)
    client.sign_in(reader, PASSWORD)  # in another tab
    asked = client.post(f"/review/{number}/decide", data=left_open, headers=OUR_PAGE)
    assert asked.status_code == 400
    assert "Please send the form again" in asked.text
    sent = client.post(f"/review/{number}/decide", data=fields(asked.text), headers=OUR_PAGE)
    assert sent.status_code == 302
    with stored_case(app, number) as case:
        assert case.reviews[0].advice.replace("\r\n", "\n") == ADVICE


def test_a_cookie_that_is_gone_is_a_session_that_has_ended(app: Flask, reader: str, number: str, sign_in) -> None:
    client = sign_in(reader)
    take(client, number)
    form = {"csrf_token": client.token(f"/review/{number}"), **DECISION}
    answer = app.test_client().post(f"/review/{number}/decide", data=form, headers=OUR_PAGE)
    assert answer.status_code == 401
    assert "Two weeks" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    ],
)
def test_another_site_cannot_put_words_into_a_form(app: Flask, reader: str, number: str, sign_in, headers) -> None:
    client = sign_in(reader)
    for answer in (
        send_too_late(app, client, number, headers),
        sign_in(reader).post(f"/review/{number}/decide", data=DECISION, headers=headers),
    ):
        assert answer.status_code in (400, 401)
        assert "Two weeks" not in answer.text
        assert "Send it again" not in answer.text


def test_an_old_browser_says_where_from_in_another_way(app: Flask, reader: str, number: str, sign_in) -> None:
    answer = send_too_late(app, sign_in(reader), number, {"Origin": "http://localhost"})
    assert "Two weeks" in answer.text


@pytest.mark.parametrize("path", ["/change", "/login", "/tf-validate", "/mf-recovery", "/verify"])
def test_a_password_is_never_shown(client: CheckedClient, path: str) -> None:
    answer = client.post(path, data={"password": "a secret of mine", "code": "123456"}, headers=OUR_PAGE)
    assert answer.status_code in (400, 401)
    assert "a secret of mine" not in answer.text
    assert "123456" not in answer.text


def test_images_have_to_be_chosen_again(app: Flask, world: World, sign_in) -> None:
    client = sign_in(world.user(Role.GP))
    form = {"csrf_token": client.token("/cases/new"), **filled_in(), "images": [(io.BytesIO(jpeg()), "a.jpg")]}
    set_back(app, "seen_at", timedelta(hours=1))
    answer = client.post("/cases/new", data=form, headers=OUR_PAGE)
    assert answer.status_code == 401
    assert "Shiny nodule since spring." in answer.text
    assert "Your images are not included" in answer.text
