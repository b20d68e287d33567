"""Whatever a browser sends becomes a usable image or one of the known reasons, nothing else."""

import contextlib
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from ml.imaging.decoding import MAX_PIXELS, MIN_SIDE, Unreadable, UnreadableImage, decode
from tests.images import pixel
from tests.ml.support import encoded, picture

HTML = b"<!doctype html><html><body><script>alert(1)</script></body></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="300" height="300"/>'
PDF = b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF\n"


def reason(data: bytes, max_pixels: int = MAX_PIXELS, min_side: int = MIN_SIDE) -> Unreadable:
    with pytest.raises(UnreadableImage) as caught:
        decode(data, max_pixels=max_pixels, min_side=min_side)
    if caught.value.reason is not Unreadable.TOO_LARGE:  # it names the limit
        assert str(caught.value).startswith(caught.value.reason.message.split(".")[0])
    return caught.value.reason


def animation(format: str) -> bytes:
    return encoded(picture(1), format, save_all=True, append_images=[picture(2), picture(3)], duration=100)


def bomb(width: int, height: int) -> bytes:
    """A PNG of zeros: a tiny file, huge in memory."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width // 8 + 1) * height), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_reads_the_three_formats(format: str) -> None:
    original = picture()
    image = decode(encoded(original, format, quality=95) if format != "PNG" else encoded(original))
    assert (image.mode, image.size) == ("RGB", original.size)
    difference = np.abs(np.asarray(image, float) - np.asarray(original, float)).mean()
    assert difference < (0.01 if format == "PNG" else 8)


@pytest.mark.parametrize("data", [HTML, SVG, PDF, b"GIF89a", b"\x00" * 2000, b"RIFF\x00\x00\x00\x00AVI "])
def test_refuses_what_is_not_an_image(data: bytes) -> None:
    assert reason(data) is Unreadable.WRONG_FORMAT


@pytest.mark.parametrize("format", ["GIF", "TIFF", "BMP", "ICO", "PPM", "JPEG2000"])
def test_refuses_other_image_formats(format: str) -> None:
    assert reason(encoded(picture(), format)) is Unreadable.WRONG_FORMAT


@pytest.mark.parametrize(
    ("data", "kind", "way_out"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC", "Most Compatible"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC", "export it as JPEG"),
        (b"\0\0\0\x1cftypavif\0\0\0\0avifmif1", "AVIF", "export it as JPEG"),
        (bytes(128) + b"DICM" + bytes(99), "DICOM", "without the patient's data"),
        (PDF, "PDF", "the image itself"),
        (encoded(picture(), "TIFF"), "TIFF", "export it as JPEG"),
        (encoded(picture(), "GIF"), "GIF", "original photograph"),
        (encoded(picture(), "BMP"), "BMP", "save it as PNG"),
    ],
)
def test_says_what_another_kind_of_file_is_and_the_way_out(data: bytes, kind: str, way_out: str) -> None:
    with pytest.raises(UnreadableImage) as refused:
        decode(data)
    assert refused.value.reason is Unreadable.WRONG_FORMAT
    assert f"{kind} " in str(refused.value)
    assert way_out in str(refused.value)


def test_refuses_an_empty_file() -> None:
    assert reason(b"") is Unreadable.EMPTY


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("keep", ["half", "all but 100 bytes", "header"])
def test_refuses_truncated_files(format: str, keep: str) -> None:
    data = encoded(picture(size=(640, 480)), format)
    end = {"half": len(data) // 2, "all but 100 bytes": len(data) - 100, "header": 12}[keep]
    assert reason(data[:end]) is Unreadable.CORRUPT


def test_every_cut_or_flipped_byte_gives_an_image_or_a_reason() -> None:
    generator = np.random.default_rng(1)
    for format in ("JPEG", "PNG", "WEBP"):
        data = encoded(picture(size=(96, 80)), format, exif=with_orientation(6))
        for _ in range(150):
            broken = bytearray(data[: generator.integers(1, len(data))] if generator.random() < 0.3 else data)
            for place in generator.integers(0, len(broken), 3):
                broken[place] = generator.integers(256)
            with contextlib.suppress(UnreadableImage):
                assert decode(bytes(broken), max_pixels=200_000).mode == "RGB"


def test_refuses_bombs_from_the_header_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", never)
    assert reason(bomb(9_000, 9_000)) is Unreadable.TOO_LARGE
    assert reason(bomb(13_000, 10_000)) is Unreadable.TOO_LARGE  # Pillow itself warns from 89 MP …
    assert reason(bomb(20_000, 10_000)) is Unreadable.TOO_LARGE  # … and raises from 179 MP
    assert reason(encoded(picture()), max_pixels=320 * 240 - 1) is Unreadable.TOO_LARGE


@pytest.mark.parametrize("width", [8160, 8192])
def test_takes_what_a_telephone_of_50_megapixels_takes(width: int) -> None:
    assert decode(encoded(Image.new("RGB", (width, 6144), "tan"), "JPEG")).size == (width, 6144)


def test_a_refusal_names_the_limit() -> None:
    for side in (9_000, 14_000):
        with pytest.raises(UnreadableImage, match="more than 52 megapixels"):
            decode(bomb(side, side))
    with pytest.raises(UnreadableImage, match=r"more than 0\.05 megapixels"):
        decode(encoded(picture()), max_pixels=50_000)


def test_refuses_tiny_and_thread_like_images() -> None:
    assert reason(encoded(Image.new("RGB", (1, 1)))) is Unreadable.TOO_SMALL
    assert reason(encoded(Image.new("RGB", (20_000, 1)))) is Unreadable.TOO_SMALL
    assert decode(encoded(Image.new("RGB", (40, 40))), min_side=40).size == (40, 40)


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_refuses_animations(format: str) -> None:
    assert reason(animation(format)) is Unreadable.ANIMATED


def test_accepts_a_photograph_with_embedded_previews() -> None:
    """Phones write JPEG files with several images (MPO); the first is the photograph."""
    data = encoded(picture(1), "MPO", save_all=True, append_images=[picture(2)])
    assert decode(data).size == picture(1).size


def with_orientation(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


@pytest.mark.control("H6.3")
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_applies_exif_orientation(format: str, orientation: int) -> None:
    upright = Image.new("RGB", (120, 80), "white")
    upright.paste("red", (0, 0, 60, 40))  # red marks the top left quarter
    store = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright.transpose(store[orientation]) if orientation in store else upright
    image = decode(encoded(stored, format, exif=with_orientation(orientation)))
    assert image.size == (120, 80)
    means = [np.asarray(image.crop(box), float)[..., 1].mean() for box in ((4, 4, 56, 36), (64, 44, 116, 76))]
    assert means[0] < 30
    assert means[1] > 225


def test_a_broken_exif_block_does_not_spoil_good_pixels() -> None:
    data = encoded(picture(), "JPEG", exif=b"Exif\x00\x00II*\x00\xff\xff\xff\xff")
    assert decode(data).size == picture().size


def test_no_metadata_survives() -> None:
    exif = with_orientation(3)
    exif[0x010E] = "Jane Doe"
    text = PngImagePlugin.PngInfo()
    text.add_text("Patient", "Jane Doe")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for data in (
        encoded(picture(), "JPEG", exif=exif, comment=b"Jane Doe", icc_profile=profile, dpi=(300, 300)),
        encoded(picture(), "PNG", pnginfo=text, exif=exif, icc_profile=profile),
        encoded(picture(), "WEBP", exif=exif, icc_profile=profile, xmp=b"Jane Doe"),
    ):
        image = decode(data)
        assert image.info == {}
        assert not image.getexif()
        for format in ("JPEG", "PNG", "WEBP"):
            assert b"Jane" not in encoded(image, format)
            assert b"Exif" not in encoded(image, format)


def test_transparency_becomes_white() -> None:
    clear = Image.new("RGBA", (80, 80), (0, 0, 0, 0))
    half = Image.new("LA", (80, 80), (0, 128))
    palette = Image.new("P", (80, 80), 0)
    palette.putpalette([10, 20, 30, 200, 0, 0])
    assert decode(encoded(clear)).getpixel((5, 5)) == (255, 255, 255)
    assert decode(encoded(half)).getpixel((5, 5)) == (127, 127, 127)
    assert decode(encoded(palette)).getpixel((5, 5)) == (10, 20, 30)
    assert decode(encoded(palette, transparency=0)).getpixel((5, 5)) == (255, 255, 255)
    assert decode(encoded(palette, transparency=b"\x80\xff")).getpixel((5, 5)) == (132, 137, 142)


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    ramp = np.linspace(0, 65535, 80 * 80).reshape(80, 80).astype(np.uint16)
    grey = np.asarray(decode(encoded(Image.fromarray(ramp))))[..., 0]
    assert grey.min() == 0
    assert grey.max() == 255
    assert np.abs(grey - ramp / 257.0).max() <= 1.01


@pytest.mark.parametrize("mode", ["1", "L", "CMYK"])
def test_other_modes_become_rgb(mode: str) -> None:
    format = "JPEG" if mode == "CMYK" else "PNG"
    image = decode(encoded(Image.new("RGB", (80, 80), "white").convert(mode), format))
    assert image.mode == "RGB"
    assert min(pixel(image, (40, 40))) >= 253


def test_an_embedded_profile_is_converted_to_srgb() -> None:
    """In a profile with swapped red and blue primaries, stored red means blue."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    swapped = bytes(profile).replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ").replace(b"?XYZ", b"bXYZ")
    swapped = swapped.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be")).replace(b"sRGB", b"swap")
    red, _, blue = pixel(decode(encoded(Image.new("RGB", (80, 80), "red"), icc_profile=swapped)), (5, 5))
    assert blue > 200
    assert red < 60
    assert pixel(decode(encoded(Image.new("RGB", (80, 80), "red"), icc_profile=bytes(profile))), (5, 5))[0] == 255


@pytest.mark.parametrize("profile", [b"not a profile", b"\x00" * 300])
def test_a_broken_profile_is_ignored(profile: bytes) -> None:
    assert decode(encoded(Image.new("RGB", (80, 80), "red"), icc_profile=profile)).getpixel((5, 5)) == (255, 0, 0)


def test_decoding_does_not_touch_the_caller_or_global_state() -> None:
    before = Image.MAX_IMAGE_PIXELS
    data = io.BytesIO(encoded(picture())).getvalue()
    assert decode(data).tobytes() == decode(data).tobytes()
    assert before == Image.MAX_IMAGE_PIXELS
