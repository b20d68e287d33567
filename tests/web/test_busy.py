"""More images at once than can be decoded: the rest are refused at once, with a message, and pages keep working."""

import io
import re
import runpy
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from flask import Flask

from tests.conftest import World
from tests.images import jpeg
from tests.web.helpers import count, filled_in, send, stored_files
from tests.web.test_retake import ask_for_images, send_images
from tests.web_client import CheckedClient
from webapp.core.config import Settings
from webapp.core.overload import LATE_SECONDS, RETRY_SECONDS, WITH_IMAGES
from webapp.intake.gate import INSIDE
from webapp.models import Image, Role

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def email(world: World) -> str:
    return world.user(Role.GP)


@pytest.fixture
def gp(email: str, sign_in) -> CheckedClient:
    return sign_in(email)


@contextmanager
def crowded() -> Iterator[None]:
    """All decoding places are taken."""
    with ExitStack() as others:
        for _ in range(4):
            others.enter_context(INSIDE)
        yield


def test_a_case_comes_back_as_it_was_typed_and_goes_through_later(
    app: Flask, settings: Settings, gp: CheckedClient
) -> None:
    with crowded():
        answer = send(gp, history="Grown since spring.", patient_reference="PC-9")
        assert gp.get("/cases/").status_code == 200
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == str(RETRY_SECONDS)
    assert "Too many images are arriving at the moment" in answer.text
    assert "Grown since spring." in answer.text
    assert 'value="PC-9"' in answer.text
    assert count(app) == 0
    assert not stored_files(settings)

    assert send(gp, history="Grown since spring.", patient_reference="PC-9").status_code == 302
    assert count(app) == 1


def test_further_images_wait_likewise(app: Flask, world: World, email: str, gp: CheckedClient, sign_in) -> None:
    number = world.case(email)
    ask_for_images(sign_in(world.user(Role.DERMATOLOGIST)), number)
    before = count(app, Image)
    with crowded():
        answer = send_images(gp, number, jpeg(seed=9))
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == str(RETRY_SECONDS)
    assert "Too many images are arriving at the moment" in answer.text
    assert count(app, Image) == before


def test_a_check_before_sending_says_when_to_ask_again(gp: CheckedClient) -> None:
    with crowded():
        answer = gp.submit("/cases/images/check", {"images": (io.BytesIO(jpeg()), "a.jpg")}, page="/cases/new")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == str(RETRY_SECONDS)


def test_every_form_with_images_can_be_put_off() -> None:
    pages = (path.read_text(encoding="utf-8") for path in (ROOT / "templates").rglob("*.html"))
    forms = [form for page in pages for form in re.findall(r"<form[^>]*multipart/form-data[^>]*>", page)]
    addresses = {found for form in forms for found in re.findall(r"url_for\('([\w.]+)'", form)}
    assert addresses == WITH_IMAGES, "and the check, whose address stands on the same forms"


@pytest.fixture
def waited(monkeypatch) -> None:
    """This request has waited too long for a thread."""
    monkeypatch.setattr(threading.current_thread(), "waited_seconds", LATE_SECONDS * 1.01, raising=False)


@pytest.mark.usefixtures("waited")
def test_a_request_that_came_too_late_gives_the_form_back(app: Flask, gp: CheckedClient) -> None:
    answer = send(gp, patient_reference="PC-9")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == str(RETRY_SECONDS)
    assert 'value="PC-9"' in answer.text
    assert count(app) == 0
    assert gp.get("/cases/").status_code == 200


@pytest.mark.usefixtures("waited")
@pytest.mark.parametrize("path", ["/cases/new", "/cases/images/check"])
def test_a_script_is_told_in_short(app: Flask, gp: CheckedClient, path: str) -> None:
    form = {**filled_in(), "images": (io.BytesIO(jpeg()), "a.jpg")}
    answer = gp.submit(path, form, page="/cases/new", headers={"Sec-Fetch-Dest": "empty"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == str(RETRY_SECONDS)
    assert answer.data == b""
    assert count(app) == 0


def test_a_thread_of_the_server_knows_how_long_its_request_has_waited() -> None:
    threads = runpy.run_path(str(ROOT / "gunicorn.conf.py"))["TimedThreads"](1)

    def waited() -> float:
        return threading.current_thread().waited_seconds  # type: ignore[attr-defined]

    leave = threading.Event()
    with threads:
        threads.submit(leave.wait)
        second = threads.submit(waited)
        time.sleep(LATE_SECONDS)
        leave.set()
        assert second.result() >= LATE_SECONDS
