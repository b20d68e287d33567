"""The scale of an image: from a line of known length, for every reader from then on."""

import math
import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import World
from tests.web.helpers import actions, image_ids
from tests.web_client import CheckedClient
from webapp.core.database import reading
from webapp.core.extensions import db
from webapp.models import AuditEvent, Image, Role


@pytest.fixture
def number(world: World, gp: str) -> str:
    return world.case(gp)


@pytest.fixture
def image(app: Flask, number: str) -> int:
    return image_ids(app, number)[0]


def measure(client: CheckedClient, image: int, mm: object = "10", pixels: object = "200") -> TestResponse:
    return client.submit(f"/review/images/{image}/scale", {"mm": mm, "pixels": pixels}, page="/profile")


def said(answer: TestResponse) -> dict[str, str]:
    assert isinstance(answer.json, dict)
    return answer.json


def error(answer: TestResponse) -> str:
    return said(answer)["error"]


def scale(app: Flask, image: int) -> float | None:
    with app.app_context(), reading():
        found = db.session.get(Image, image)
        assert found is not None
        return found.mm_per_pixel


def test_a_line_of_known_length_gives_the_scale(app: Flask, reader: CheckedClient, image: int, number: str) -> None:
    before = reader.get(f"/review/{number}").text
    assert f'data-scale-address="/review/images/{image}/scale"' in before
    assert "data-mm-per-pixel" not in before
    answer = measure(reader, image)
    assert answer.status_code == 200
    assert float(said(answer)["mm_per_pixel"]) == 0.05
    assert re.fullmatch(r"scale set by Test Reader on \d+ \w+ \d{4}", said(answer)["words"])
    assert scale(app, image) == 0.05


def test_later_readers_have_it_with_who_and_when(
    world: World, reader: CheckedClient, image: int, number: str, sign_in
) -> None:
    words = said(measure(reader, image))["words"]
    page = sign_in(world.user(Role.DERMATOLOGIST)).get(f"/review/{number}").text
    assert f'data-mm-per-pixel="0.05" data-scale-words="{words}"' in page


def test_it_is_corrected_the_same_way_and_both_are_on_record(
    app: Flask, reader: CheckedClient, image: int, number: str
) -> None:
    measure(reader, image)
    assert measure(reader, image, mm="2,5").status_code == 200
    assert scale(app, image) == 0.0125
    assert actions(app)[-2:] == ["image.scale_set", "image.scale_set"]
    with app.app_context(), reading() as session:
        last = session.query(AuditEvent).order_by(AuditEvent.id.desc()).first()
        assert (last.subject_type, last.subject_id) == ("image", str(image))
        assert (last.before, last.after) == ({"mm_per_pixel": 0.05}, {"mm_per_pixel": 0.0125})


@pytest.mark.parametrize("mm", ["0", "-1", "100.1", "1e999", "nan", "-inf", "", "ten", "1,000,000"])
def test_a_length_that_cannot_be_is_refused(app: Flask, reader: CheckedClient, image: int, mm: str) -> None:
    answer = measure(reader, image, mm=mm)
    assert answer.status_code == 422
    assert error(answer) == "Enter a length in mm over 0 and up to 100, for example 10."
    assert scale(app, image) is None
    assert "image.scale_set" not in actions(app)


@pytest.mark.parametrize("pixels", ["19.9", "0", "-200", "nan", "", "many"])
def test_a_line_that_is_too_short_is_refused(app: Flask, reader: CheckedClient, image: int, pixels: str) -> None:
    answer = measure(reader, image, pixels=pixels)
    assert answer.status_code == 422
    assert error(answer).startswith("Draw a longer line: from one under 20 pixels")
    assert scale(app, image) is None


def test_a_line_longer_than_the_image_is_refused(app: Flask, reader: CheckedClient, image: int) -> None:
    with app.app_context(), reading():
        found = db.session.get(Image, image)
        assert found is not None
        diagonal = math.hypot(found.width, found.height)
    assert error(measure(reader, image, pixels=diagonal + 2)) == "Draw the line again: it is longer than the image."
    assert measure(reader, image, pixels="inf").status_code == 422
    assert scale(app, image) is None
    assert measure(reader, image, mm="100", pixels=diagonal).status_code == 200
    assert measure(reader, image, pixels="20").status_code == 200


def test_it_is_for_dermatologists(app: Flask, world: World, image: int, gp: str, sign_in) -> None:
    for email in (gp, world.user(Role.ADMIN)):
        assert measure(sign_in(email), image).status_code == 403
    assert measure(sign_in(world.user(Role.DERMATOLOGIST)), image + 1).status_code == 404
    assert scale(app, image) is None


def test_no_new_image_has_one(app: Flask, image: int) -> None:
    assert scale(app, image) is None
