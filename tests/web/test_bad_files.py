"""Files that are not a usable image: a plain message, and nothing left behind."""

import io
import struct
import zlib

import pytest
from flask import Flask
from PIL import Image

from tests.images import encoded, jpeg, picture, png
from tests.web.helpers import count, send, stored_files
from tests.web.test_submit_errors import error_beside
from webapp.core.config import Settings
from webapp.models import Role

WHOLE_JPEG, WHOLE_PNG, WHOLE_WEBP = jpeg(), png(), encoded(picture(), "WEBP")


def animated(kind: str) -> bytes:
    return encoded(picture(), kind, save_all=True, append_images=[picture(seed=1)], duration=100)


def bomb(side: int) -> bytes:
    """A PNG of side² white pixels in a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(side * (1 + (side + 7) // 8)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zeroed_middle(data: bytes) -> bytes:
    return data[: len(data) // 3] + bytes(len(data) // 3) + data[2 * (len(data) // 3) :]


NOT_AN_IMAGE, DAMAGED = "not a JPEG, PNG or WebP", "damaged or incomplete"
CASES = {
    "empty": (b"", "empty"),
    "JPEG cut in half": (WHOLE_JPEG[: len(WHOLE_JPEG) // 2], DAMAGED),
    "JPEG without its last 100 bytes": (WHOLE_JPEG[:-100], DAMAGED),
    "JPEG's first bytes": (WHOLE_JPEG[:4], DAMAGED),
    "PNG cut in half": (WHOLE_PNG[: len(WHOLE_PNG) // 2], DAMAGED),
    "PNG without its last 100 bytes": (WHOLE_PNG[:-100], DAMAGED),
    "PNG with a hole": (zeroed_middle(WHOLE_PNG), DAMAGED),
    "WebP cut in half": (WHOLE_WEBP[: len(WHOLE_WEBP) // 2], DAMAGED),
    "WebP without its last 100 bytes": (WHOLE_WEBP[:-100], DAMAGED),
    "GIF": (encoded(picture(), "GIF"), NOT_AN_IMAGE),
    "TIFF": (encoded(picture(), "TIFF"), NOT_AN_IMAGE),
    "BMP": (encoded(picture(), "BMP"), NOT_AN_IMAGE),
    "PDF": (encoded(picture(), "PDF"), NOT_AN_IMAGE),
    "SVG": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', NOT_AN_IMAGE),
    "HTML": (b"<!doctype html><title>x</title>", NOT_AN_IMAGE),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", NOT_AN_IMAGE),
    "noise": (bytes(range(256)) * 40, NOT_AN_IMAGE),
    "animated WebP": (animated("WEBP"), "animation"),
    "animated PNG": (animated("PNG"), "animation"),
    "bomb": (bomb(9450), "more than 52 megapixels"),
    "too small": (encoded(Image.new("RGB", (63, 200)), "PNG"), "too small"),
}


@pytest.fixture
def gp(world, sign_in):
    return sign_in(world.user(Role.GP))


def test_each_bad_file_is_refused_in_words_and_leaves_nothing(app: Flask, settings: Settings, gp) -> None:
    for kind, (data, sentence) in CASES.items():
        response = send(gp, [(data, "lesion.jpg")])
        assert response.status_code == 422, kind
        assert sentence in error_beside(response.text, "images"), kind
        assert "Image 1 (lesion.jpg)" in error_beside(response.text, "images"), kind
    assert count(app) == 0
    assert stored_files(settings) == set()


def test_the_bomb_is_as_small_and_as_large_as_it_claims() -> None:
    data = bomb(9450)
    assert len(data) < 300_000
    assert Image.open(io.BytesIO(data)).size == (9450, 9450)


def test_no_file_at_all(app: Flask, gp) -> None:
    response = send(gp, [])
    assert response.status_code == 422
    assert "Choose at least one image" in error_beside(response.text, "images")
    assert count(app) == 0


def test_more_files_than_a_case_holds(app: Flask, settings: Settings, gp) -> None:
    response = send(gp, [(jpeg(), f"{i}.jpg") for i in range(7)])
    assert response.status_code == 422
    assert "up to 6 images; you chose 7" in error_beside(response.text, "images")
    assert count(app) == 0
    assert stored_files(settings) == set()


def test_a_file_of_too_many_bytes(app: Flask, settings: Settings, gp) -> None:
    app.extensions["settings"] = settings.model_copy(update={"max_image_megabytes": 1})
    response = send(gp, [(jpeg() + bytes(1024 * 1024), "big.jpg")])
    assert response.status_code == 422
    assert "larger than 1 MB" in error_beside(response.text, "images")


def test_a_request_of_too_many_bytes(app: Flask, settings: Settings, gp) -> None:
    app.extensions["settings"] = settings.model_copy(update={"max_images_per_case": 1, "max_image_megabytes": 1})
    response = send(gp, [(bytes(2 * 2**20), "big.jpg")])
    assert response.status_code == 413
    assert "larger than this server accepts" in response.text
    assert count(app) == 0
    assert stored_files(settings) == set()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "Image 1 (etc_passwd)"),
        ("<img src=x onerror=alert(1)>.jpg", "Image 1 ("),
        ("Jane Placeholder 1961-04-03.jpg", "Image 1 ("),
        ("\u202egpj.exe", "Image 1 ("),
        ("...", "Image 1:"),
        ("x" * 300 + ".jpg", f"Image 1 ({'x' * 40})"),
    ],
)
def test_hostile_names_do_no_harm(gp, name: str, shown: str) -> None:
    response = send(gp, [(b"junk", name)])
    assert response.status_code == 422
    assert shown in error_beside(response.text, "images")
    assert "onerror=" not in response.text


def test_a_file_name_is_stored_nowhere(app: Flask, settings: Settings, gp) -> None:
    assert send(gp, [(jpeg(), "jane-placeholder.jpg")]).status_code == 302
    assert not any("placeholder" in key for key in stored_files(settings))
    with app.app_context():
        from webapp.core.extensions import db

        with db.engine.connect() as connection:
            for table in db.metadata.sorted_tables:
                assert "placeholder" not in str(connection.execute(table.select()).fetchall())
