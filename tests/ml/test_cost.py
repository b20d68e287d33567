"""What a header promises is compared with the bytes and the memory before anything is decoded."""

import re

import numpy as np
import pytest
from PIL import Image, ImageFile

from ml.imaging import jpeg
from ml.imaging.decoding import Unreadable, UnreadableImage, decode
from tests.faults.weights import hollow_webp
from tests.ml.support import encoded, picture
from tests.ml.test_decoding import bomb, reason
from tests.ml.test_decoding_bombs import jpeg_bomb

SIZE = (640, 480)
PIXELS = SIZE[0] * SIZE[1]


def skin(format: str, **how: object) -> bytes:
    return encoded(picture(size=SIZE), format, **how)


@pytest.mark.parametrize("data", [hollow_webp(), bomb(7000, 7000), jpeg_bomb(7000)], ids=["WebP", "PNG", "JPEG"])
def test_more_pixels_than_the_bytes_can_hold_are_refused_unseen(data: bytes, monkeypatch) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _image: pytest.fail("decoded"))
    with pytest.raises(UnreadableImage, match=r"far too little for an image of 49\.\d megapixels") as refused:
        decode(data)
    assert refused.value.reason is Unreadable.CORRUPT


@pytest.mark.parametrize("how", [{"format": "JPEG"}, {"format": "PNG"}, {"format": "WEBP", "quality": 1}])
def test_a_plain_area_is_not_too_little(how: dict) -> None:
    assert decode(encoded(Image.new("RGB", (2000, 1500), "tan"), **how)).size == (2000, 1500)


@pytest.mark.parametrize(
    ("how", "bytes_a_pixel"),
    [
        ({}, 0.0),
        ({"progressive": True, "subsampling": 2}, 3.0),
        ({"progressive": True, "subsampling": 1}, 4.0),
        ({"progressive": True, "subsampling": 0}, 6.0),
    ],
)
def test_what_a_jpeg_s_decoder_keeps_beside_the_pixels(how: dict, bytes_a_pixel: float) -> None:
    assert jpeg.buffered_bytes_a_pixel(skin("JPEG", **how)) == bytes_a_pixel


def test_a_jpeg_with_one_scan_for_each_channel_is_kept_too() -> None:
    data = bytearray(skin("JPEG", subsampling=0))
    scan = data.index(b"\xff\xda")
    assert data[scan + 4] == 3
    data[scan + 4] = 1
    assert jpeg.buffered_bytes_a_pixel(bytes(data)) == 6.0


@pytest.mark.parametrize(("share", "scale"), [(9, 1), (7, 2), (2.1, 2), (1.9, 4), (0.2, 8)])
def test_a_jpeg_is_decoded_as_large_as_the_memory_allows(share: float, scale: int) -> None:
    data = skin("JPEG", quality=30)
    small = decode(data, memory=round(share * PIXELS) + 3 * len(data))
    assert small.size == (SIZE[0] // scale, SIZE[1] // scale)


def test_turned_upright_and_halved_it_is_the_same_picture() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = skin("JPEG", exif=exif)
    whole, half = decode(data), decode(data, memory=4 * PIXELS + 3 * len(data))
    assert half.size == (whole.width // 2, whole.height // 2)
    difference = np.abs(np.asarray(half, float) - np.asarray(whole.reduce(2), float))
    assert difference.mean() < 3


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("PNG", skin("PNG")),
        ("WEBP", skin("WEBP")),
        ("a progressive JPEG", skin("JPEG", progressive=True, subsampling=0)),
    ],
)
def test_what_cannot_be_made_smaller_is_refused_with_the_limit_and_the_way_out(kind: str, data: bytes) -> None:
    with pytest.raises(UnreadableImage) as refused:
        decode(data, memory=len(data))
    assert refused.value.reason is Unreadable.TOO_LARGE
    assert re.match(rf"As {kind}, an image of this size may have at most 0 megapixels", str(refused.value))
    assert "save it as an ordinary JPEG" in str(refused.value)


def test_the_limit_that_is_named_is_the_one_that_counts() -> None:
    data = encoded(picture(size=(2000, 1000)), "WEBP", quality=5)
    limit = 1_500_000 * 16 + 2 * len(data)
    with pytest.raises(UnreadableImage, match="at most 2 megapixels; this one has 2"):
        decode(data, memory=limit)
    assert decode(data, memory=limit + 8_000_000 + 16).size == (2000, 1000)


def test_a_jpeg_of_hundreds_of_scans_is_refused() -> None:
    """Each takes a pass over the whole image, and may be a few bytes."""
    data = skin("JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    again = data[last : data.rindex(b"\xff\xd9")]
    assert reason(data[: data.rindex(b"\xff\xd9")] + 200 * again + b"\xff\xd9") is Unreadable.UNSUPPORTED


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P"])
def test_transparency_lies_over_white(mode: str) -> None:
    clear = Image.new("RGBA", (100, 100), (10, 20, 30, 0)).convert(mode)
    assert decode(encoded(clear, "PNG", **({"transparency": 0} if mode == "P" else {}))).getpixel((5, 5)) == (255,) * 3
