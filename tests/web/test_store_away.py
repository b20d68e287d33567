"""An object store that stops responding: no input is lost, nothing is stored by halves, and it recovers by itself."""

import io
from collections.abc import Iterator

import pytest
from flask import Flask

from tests import s3
from tests.conftest import World
from tests.images import jpeg
from tests.web.helpers import count, filled_in, image_ids, send, stored_files
from tests.web.test_retake import ask_for_images
from tests.web_client import CheckedClient
from webapp.core.config import Settings
from webapp.models import Analysis, Image, Role
from webapp.storage import s3 as object_store
from webapp.storage.store import store_of


def _file(seed: int) -> tuple[io.BytesIO, str]:
    return io.BytesIO(jpeg(seed=seed)), f"{seed}.jpg"


@pytest.fixture
def server(monkeypatch) -> Iterator[s3.Server]:
    for name, value in s3.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(object_store, "RETRIES", 1)
    with s3.running("images") as server:
        yield server


@pytest.fixture
def settings(settings: Settings, server: s3.Server) -> Settings:
    return settings.model_copy(update={"storage_url": server.url("images")})


@pytest.fixture
def email(world: World) -> str:
    return world.user(Role.GP)


@pytest.fixture
def gp(email: str, sign_in) -> CheckedClient:
    return sign_in(email)


@pytest.mark.control("H3.1")
def test_a_new_case_comes_back_as_it_was_typed(
    app: Flask, settings: Settings, server: s3.Server, gp: CheckedClient
) -> None:
    server.stop()
    answer = send(gp, history="Grown since spring.", patient_reference="PC-9")
    assert answer.status_code == 503
    assert "could not be stored" in answer.text
    assert "Grown since spring." in answer.text
    assert 'value="PC-9"' in answer.text
    assert count(app) == 0

    server.start("images")
    assert send(gp).status_code == 302
    assert len(stored_files(settings)) == 3


@pytest.mark.control("H3.1")
def test_a_store_that_fails_in_the_middle_leaves_no_half_case(
    app: Flask, settings: Settings, gp: CheckedClient, monkeypatch
) -> None:
    written: list[str] = []
    blobs = store_of(app).blobs
    write = blobs.write

    def one_only(key: str, data: bytes) -> None:
        if written:
            raise object_store.StoreAwayError("away")
        written.append(key)
        write(key, data)

    monkeypatch.setattr(blobs, "write", one_only)
    form = filled_in()
    answer = gp.submit("/cases/new", {**form, "images": [_file(1), _file(2)]})
    assert answer.status_code == 503
    assert (count(app), count(app, Image), count(app, Analysis)) == (0, 0, 0)
    assert written
    assert stored_files(settings) == set()


def test_new_images_of_a_case_come_back_too(
    app: Flask, world: World, server: s3.Server, email: str, gp: CheckedClient, sign_in
) -> None:
    number = world.case(email)
    ask_for_images(sign_in(world.user(Role.DERMATOLOGIST)), number)
    server.stop()
    page = gp.submit(f"/cases/{number}/images", {"images": [_file(3)], "send_anyway": "x"}, page=f"/cases/{number}")
    assert page.status_code == 503
    assert "could not be stored" in page.text
    assert count(app, Image) == 1


def test_new_images_that_fail_in_the_middle_are_not_shown_as_sent(
    app: Flask, world: World, email: str, gp: CheckedClient, sign_in, monkeypatch
) -> None:
    number = world.case(email)
    ask_for_images(sign_in(world.user(Role.DERMATOLOGIST)), number)
    written: list[str] = []
    blobs = store_of(app).blobs
    write = blobs.write

    def first_image_only(key: str, data: bytes) -> None:
        if len(written) == 2:
            raise object_store.StoreAwayError("away")
        written.append(key)
        write(key, data)

    monkeypatch.setattr(blobs, "write", first_image_only)
    files = {"images": [_file(3), _file(4)], "send_anyway": "x"}
    page = gp.submit(f"/cases/{number}/images", files, page=f"/cases/{number}")
    assert page.status_code == 503
    assert page.text.count("/thumbnail") == 1


def test_an_image_that_cannot_be_fetched_is_said_in_words(
    app: Flask, world: World, server: s3.Server, email: str, gp: CheckedClient
) -> None:
    (image_id,) = image_ids(app, world.case(email))
    server.stop()
    page = gp.get(f"/media/images/{image_id}")
    assert page.status_code == 503
    assert "Please try again in a minute" in page.text
    server.start("images")
