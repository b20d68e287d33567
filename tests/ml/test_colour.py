"""Pixels mean what the file says they mean: by ICC profile, EXIF interoperability or a PNG's gamma."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from ml.imaging.decoding import decode
from ml.imaging.profiles import SRGB, adobe_rgb, is_srgb, matrix_profile, png_profile
from tests.images import pixel
from tests.ml.support import encoded

LINEAR = (188, 137, 120)  # what (128, 64, 48) is in sRGB, if it was linear light
D65 = (0.3127, 0.329)
REC709 = (D65, (0.64, 0.33), (0.3, 0.6), (0.15, 0.06))
FLAT = Image.new("RGB", (96, 96), (128, 64, 48))


def near(found: tuple[int, ...], expected: tuple[int, ...], within: int = 1) -> bool:
    return bool(np.abs(np.subtract(found, expected)).max() <= within)


def png(*chunks: tuple[bytes, bytes], image: Image.Image = FLAT) -> bytes:
    info = PngImagePlugin.PngInfo()
    for name, body in chunks:
        info.add(name, body)
    return encoded(image, "PNG", pnginfo=info)


def gama(value: float) -> tuple[bytes, bytes]:
    return b"gAMA", round(value * 100_000).to_bytes(4, "big")


def chrm(*points: tuple[float, float]) -> tuple[bytes, bytes]:
    return b"cHRM", b"".join(round(value * 100_000).to_bytes(4, "big") for point in points for value in point)


def r03(interoperability: str) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 1
    exif.get_ifd(0x8769)[0xA001] = 65535
    exif.get_ifd(0x8769)[0xA005] = {1: interoperability}
    return exif


@pytest.mark.control("H6.3")
@pytest.mark.parametrize("name", [b"sRGB IEC61966-2.1", b"sRGB-own-linear", b"anything"])
def test_a_profile_is_what_it_does_and_not_its_name(name: bytes) -> None:
    profile = matrix_profile(REC709, 1.0).tobytes()
    named = profile.replace(b"declared\0", name.ljust(9, b"\0")[:9])
    assert near(pixel(decode(encoded(FLAT, "PNG", icc_profile=named)), (5, 5)), LINEAR)


def test_an_srgb_profile_changes_nothing_whatever_its_name() -> None:
    profile = SRGB.tobytes()
    for data in (profile, profile.replace("sRGB".encode("utf-16-be"), "Mine".encode("utf-16-be"))):
        assert is_srgb(ImageCms.ImageCmsProfile(io.BytesIO(data)))
        assert pixel(decode(encoded(FLAT, "PNG", icc_profile=data)), (5, 5)) == (128, 64, 48)


def test_exif_interoperability_r03_is_adobe_rgb() -> None:
    image = Image.new("RGB", (96, 96), (180, 90, 70))
    for kind in ("JPEG", "PNG", "WEBP"):
        options = {"lossless": True} if kind == "WEBP" else {"quality": 100, "subsampling": 0}
        shown = pixel(decode(encoded(image, kind, exif=r03("R03"), **options)), (5, 5))
        assert near(shown, (205, 90, 67), 2), kind
        assert near(pixel(decode(encoded(image, kind, exif=r03("R98"), **options)), (5, 5)), (180, 90, 70)), kind
    assert not is_srgb(adobe_rgb())


def test_an_icc_profile_counts_before_exif() -> None:
    data = encoded(FLAT, "JPEG", exif=r03("R03"), icc_profile=SRGB.tobytes(), quality=100, subsampling=0)
    assert near(pixel(decode(data), (5, 5)), (128, 64, 48))


def test_a_pngs_gamma_is_applied_unless_it_says_srgb() -> None:
    assert near(pixel(decode(png(gama(1))), (5, 5)), LINEAR)
    assert near(pixel(decode(png(gama(1), (b"sRGB", b"\0"))), (5, 5)), (128, 64, 48), 0)
    grey = Image.new("L", (96, 96), 128)
    assert near(pixel(decode(png(gama(1), image=grey)), (5, 5)), (188, 188, 188))


def test_the_usual_gamma_of_a_png_means_srgb() -> None:
    dark = Image.new("RGB", (96, 96), (12, 9, 6))
    for chunks in ([gama(0.45455)], [gama(0.45455), chrm(*REC709)]):
        assert pixel(decode(png(*chunks, image=dark)), (5, 5)) == (12, 9, 6)
    assert png_profile(0.45455, None) is SRGB


def test_a_pngs_primaries_are_applied_with_its_gamma() -> None:
    wide = [gama(1 / 2.2), chrm(D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06))]
    image = Image.new("RGB", (96, 96), (180, 90, 70))
    assert near(pixel(decode(png(*wide, image=image)), (5, 5)), (205, 90, 67), 2)


@pytest.mark.parametrize("chunk", [gama(0), chrm(*[(0.0, 0.0)] * 4), chrm(*[D65] * 4)])
def test_colours_that_make_no_sense_are_left_alone(chunk: tuple[bytes, bytes]) -> None:
    assert pixel(decode(png(gama(1), chunk) if chunk[0] == b"cHRM" else png(chunk)), (5, 5)) == (128, 64, 48)
