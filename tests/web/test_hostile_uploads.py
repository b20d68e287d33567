"""Usable images that carry more than pixels, and requests no browser sends: only pixels are kept."""

import io
import zipfile

import numpy as np
import pytest
from flask import Flask
from PIL import Image, ImageCms, PngImagePlugin

from tests.images import encoded, jpeg, picture, png
from tests.web.helpers import count, filled_in, image_ids, keys_of, number_of, send, stored_case, stored_files
from tests.web.test_submit_errors import error_beside
from tests.web_client import CheckedClient
from webapp.core.config import Settings
from webapp.models import Role
from webapp.storage.store import store_of

MARK = b"PLACEHOLDER-MARK"
HTML = b"<!doctype html><script>alert('PLACEHOLDER-MARK')</script>"
GPS, COMMENT, DESCRIPTION = 0x8825, 0x9286, 0x010E


@pytest.fixture
def gp(world, sign_in) -> CheckedClient:
    return sign_in(world.user(Role.GP))


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("PLACEHOLDER-MARK.txt", MARK)
    return buffer.getvalue()


def marked_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[DESCRIPTION] = MARK.decode()
    exif.get_ifd(GPS).update({1: "N", 2: (41.0, 23.0, 0.0), 29: MARK.decode()})
    exif.get_ifd(0x8769)[COMMENT] = MARK
    return exif


def marked_profile() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    name = "sRGB built-in".encode("utf-16-be")
    assert name in profile
    return profile.replace(name, "PLACEHOLDER-M".encode("utf-16-be"))


def marked_text() -> PngImagePlugin.PngInfo:
    text = PngImagePlugin.PngInfo()
    text.add_text("Patient", MARK.decode())
    text.add_itxt("XML:com.adobe.xmp", f"<x>{MARK.decode()}</x>")
    return text


def marked(kind: str) -> bytes:
    """An image with the mark everywhere its format allows."""
    profile, exif = marked_profile(), marked_exif()
    if kind == "PNG":
        return encoded(picture(), "PNG", pnginfo=marked_text(), exif=exif, icc_profile=profile)
    more = {"comment": MARK} if kind == "JPEG" else {}
    return encoded(picture(), kind, exif=exif, icc_profile=profile, xmp=b"<x>" + MARK + b"</x>", **more)


def traces(data: bytes) -> list[bytes]:
    wanted = (MARK, "PLACEHOLDER-M".encode("utf-16-be"), b"Exif", b"ICC_PROFILE", b"iCCP", b"<script", b"PK\x03\x04")
    return [trace for trace in wanted if trace in data]


LADEN = {
    **{f"{kind} with notes": marked(kind) for kind in ("JPEG", "PNG", "WEBP")},
    "JPEG and HTML": jpeg() + HTML,
    "JPEG and ZIP": jpeg() + archive(),
    "PNG and HTML": png() + HTML,
    "PNG and ZIP": png() + archive(),
}


def ends_with_the_picture(data: bytes) -> bool:
    """Nothing follows the last byte that the format's own header, or end mark, tells of."""
    if data.startswith(b"RIFF"):
        return len(data) == 8 + int.from_bytes(data[4:8], "little")
    return data.endswith((b"\xff\xd9", b"IEND\xaeB`\x82"))


@pytest.mark.parametrize("kind", LADEN)
def test_only_pixels_are_stored_and_served(app: Flask, gp: CheckedClient, kind: str) -> None:
    assert traces(LADEN[kind]), "there is something to lose"
    number = number_of(send(gp, [(LADEN[kind], "lesion.jpg")]))
    store = store_of(app)
    with stored_case(app, number) as case:
        kept = [store.get(key) for key in keys_of(case.images[0])]
    (image,) = image_ids(app, number)
    kept += [gp.get(f"/media/images/{image}").data]
    kept += [gp.get(f"/media/images/{image}/{size}").data for size in ("preview", "thumbnail")]
    for data in kept:
        assert traces(data) == []
        assert ends_with_the_picture(data)
        shown = Image.open(io.BytesIO(data))
        assert not shown.getexif()
        assert not {"comment", "icc_profile", "xmp", "Patient"} & set(shown.info)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_what_is_stored_is_upright(app: Flask, gp: CheckedClient, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    number = number_of(send(gp, [(encoded(picture(240, 180), "JPEG", exif=exif), "a.jpg")]))
    with stored_case(app, number) as case:
        image = case.images[0]
        assert (image.width, image.height) == ((240, 180) if orientation < 5 else (180, 240))
        stored = Image.open(io.BytesIO(store_of(app).get(image.key)))
        assert stored.size == (image.width, image.height)


def in_mode(mode: str) -> bytes:
    if mode == "I;16":
        return encoded(Image.fromarray(np.asarray(picture().convert("L"), np.uint16) * 257), "PNG")
    return encoded(picture().convert(mode), "JPEG" if mode == "CMYK" else "PNG")


@pytest.mark.parametrize("mode", ["CMYK", "I;16", "P", "RGBA", "LA", "L", "1"])
def test_every_kind_of_pixels_is_stored_as_colour(app: Flask, gp: CheckedClient, mode: str) -> None:
    number = number_of(send(gp, [(in_mode(mode), "a.png")]))
    with stored_case(app, number) as case:
        stored = Image.open(io.BytesIO(store_of(app).get(case.images[0].key)))
    assert (stored.mode, stored.size) == ("RGB", (240, 180))


@pytest.mark.parametrize("name", ["x" * 10_000 + ".jpg", "a\r\nSet-Cookie: b=c.jpg", "../../" * 50 + "etc/passwd"])
def test_hostile_names_of_bad_files(app: Flask, gp: CheckedClient, name: str) -> None:
    response = send(gp, [(b"junk", name)])
    assert response.status_code == 422
    assert error_beside(response.text, "images")
    assert "x" * 100 not in response.text
    assert "b=c" not in str(response.headers)
    assert ".." not in error_beside(response.text, "images")


def test_a_name_with_nul_leaves_nothing(app: Flask, settings: Settings, gp: CheckedClient) -> None:
    response = send(gp, [(b"junk", "a\x00.jpg")])
    assert response.status_code in (400, 422)
    assert "\x00" not in response.text
    assert count(app) == 0
    assert stored_files(settings) == set()


def test_a_thousand_and_one_parts(app: Flask, settings: Settings, gp: CheckedClient) -> None:
    """The limit applies to the whole form, before any part is read."""
    form = {"csrf_token": gp.token("/cases/new"), **filled_in(history=["x"] * 1_001)}
    response = gp.post("/cases/new", data=form, content_type="multipart/form-data")
    assert response.status_code == 413
    assert "Nothing was saved" in response.text
    assert count(app) == 0
    assert stored_files(settings) == set()


def test_what_chance_has_broken_leaves_nothing_behind(app: Flask, settings: Settings, gp: CheckedClient) -> None:
    """Each becomes a case or is refused with a message; the store holds what the cases name and nothing else."""
    generator = np.random.default_rng(2)
    accepted = 0
    for whole in (jpeg(96, 80), png(96, 80), encoded(picture(96, 80), "WEBP")) * 6:
        broken = np.frombuffer(whole, np.uint8).copy()
        broken[generator.integers(0, len(broken), 3)] = generator.integers(0, 256, 3)
        response = send(gp, [(broken.tobytes(), "a.jpg"), (jpeg(), "b.jpg")])
        assert response.status_code in (302, 422)
        accepted += response.status_code == 302
    assert count(app) == accepted
    assert len(stored_files(settings)) == 6 * accepted
