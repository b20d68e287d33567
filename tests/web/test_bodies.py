"""Large requests are for images from people who are signed in; of all others nothing beyond 1 MB is read."""

import io
from typing import Any

import pytest
from flask import Flask, Request, request
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from tests.conftest import World
from tests.images import jpeg
from tests.web.helpers import count, filled_in, send, stored_files
from tests.web_client import CheckedClient
from webapp.accounts import queries
from webapp.core.bodies import SMALL_BYTES
from webapp.core.config import Settings
from webapp.core.overload import WITH_IMAGES
from webapp.models import Role

LARGE = jpeg() + bytes(SMALL_BYTES)
OUR_PAGE = {"Sec-Fetch-Site": "same-origin"}
PLACES = {"number": "DT-AAAAAAA", "id": 1, "image_id": 1, "token": "x", "path": "x", "filename": "x"}


class Watched(io.BytesIO):
    """A body that knows how much of it was read."""

    amount = 0

    def read(self, size: int | None = -1) -> bytes:
        data = super().read(size)
        self.amount += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        size = super().readinto(buffer)
        self.amount += size
        return size


@pytest.fixture
def gp(world: World, sign_in) -> CheckedClient:
    return sign_in(world.user(Role.GP))


@pytest.fixture
def parsed(monkeypatch) -> list[str]:
    """The endpoints whose forms were parsed."""
    seen: list[str] = []
    parse = Request._load_form_data

    def noted(self: Request) -> None:
        parse(self)
        seen.append(str(self.endpoint))

    monkeypatch.setattr(Request, "_load_form_data", noted)
    return seen


def posting(app: Flask) -> dict[str, str]:
    """An address for each endpoint that takes a POST."""
    with app.test_request_context():
        adapter = app.create_url_adapter(request)
        assert adapter is not None
        return {
            rule.endpoint: adapter.build(rule.endpoint, {name: PLACES.get(name, 1) for name in rule.arguments}, "POST")
            for rule in app.url_map.iter_rules()
            if "POST" in (rule.methods or ())
        }


def test_of_a_stranger_no_address_takes_more_than_a_megabyte(app: Flask, client: CheckedClient, parsed) -> None:
    for endpoint, path in posting(app).items():
        for kind in ("multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "application/json"):
            body = io.BytesIO(bytes(SMALL_BYTES + 1))
            answer = client.post(path, input_stream=body, content_length=SMALL_BYTES + 1, content_type=kind)
            assert answer.status_code == (401 if endpoint in WITH_IMAGES else 413), (endpoint, kind)
    assert parsed == [], "nor is any of it parsed, not even for the form's token"


@pytest.mark.parametrize("role", list(Role))
def test_signed_in_only_those_for_images_take_more(app: Flask, world: World, sign_in, role: Role, parsed) -> None:
    client = sign_in(world.user(role))
    parsed.clear()
    for endpoint, path in posting(app).items():
        if endpoint not in WITH_IMAGES:
            body = io.BytesIO(bytes(SMALL_BYTES + 1))
            answer = client.post(path, input_stream=body, content_length=SMALL_BYTES + 1, content_type="text/plain")
            assert answer.status_code == 413, endpoint
    assert parsed == []


def test_without_a_length_no_more_is_read_either(client: CheckedClient) -> None:
    """Chunked: the server says only that the body ends."""
    environ = {"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    form = "application/x-www-form-urlencoded"
    body = Watched(bytes(3 * SMALL_BYTES))
    client.post("/login", input_stream=body, content_type=form, environ_overrides=environ)
    assert 0 < body.amount <= SMALL_BYTES


def test_a_gp_s_images_are_large(app: Flask, gp: CheckedClient) -> None:
    assert send(gp, [(LARGE, "a.jpg")]).status_code == 302
    assert count(app) == 1


def test_more_than_a_case_holds_is_refused(app: Flask, settings: Settings, gp: CheckedClient) -> None:
    app.extensions["settings"] = settings.model_copy(update={"max_images_per_case": 1, "max_image_megabytes": 1})
    answer = send(gp, [(bytes(2 * SMALL_BYTES), "a.jpg")])
    assert answer.status_code == 413
    assert "larger than this server accepts" in answer.text
    assert stored_files(settings) == set()


def too_late(client: CheckedClient, token: str) -> TestResponse:
    form = {"csrf_token": token, **filled_in(), "images": (io.BytesIO(LARGE), "a.jpg")}
    return client.post("/cases/new", data=form, headers=OUR_PAGE)


def test_after_the_session_has_ended_the_cause_is_told(app: Flask, gp: CheckedClient) -> None:
    """Not that the images are too large."""
    token = gp.token("/cases/new")
    gp.submit("/logout", page="/profile")
    answer = too_late(gp, token)
    assert answer.status_code == 401
    assert "You have been signed out" in answer.text
    assert count(app) == 0


def test_what_is_not_kept_is_taken_all_the_same(app: Flask, settings: Settings, client: CheckedClient) -> None:
    """A browser shows the page once it has sent everything; but nobody may send without end."""
    for size, taken in ((2 * SMALL_BYTES, True), (settings.max_request_bytes + 1, False)):
        body = Watched(bytes(size))
        answer = client.post("/cases/new", input_stream=body, content_length=size, content_type="multipart/form-data")
        assert (answer.status_code, body.amount) == ((401, size) if taken else (413, 0))


def test_with_the_database_away_what_was_typed_comes_back(app: Flask, gp: CheckedClient, monkeypatch) -> None:
    token = gp.token("/cases/new")

    def away(*_: object) -> None:
        raise OperationalError("SELECT", {}, Exception("the database is away"))

    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr(queries, "signed_in", away)
    answer = too_late(gp, token)
    assert answer.status_code == 503
    assert filled_in()["history"] in answer.text
