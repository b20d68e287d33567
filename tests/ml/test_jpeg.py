"""A JPEG with lost, zeroed or missing data is damaged, although its decoder fills the gap; whole ones are whole."""

import re

import numpy as np
import pytest
from PIL import Image

from ml.data.ham10000 import Ham10000
from ml.imaging.decoding import Unreadable, UnreadableImage, decode
from tests.ml.overlays import SIZE, skin
from tests.ml.support import encoded

KINDS = {
    "baseline": {"quality": 90},
    "optimised": {"quality": 95, "optimize": True, "subsampling": 0},
    "finest": {"quality": 100, "subsampling": 0},
    "restarts": {"quality": 85, "restart_marker_rows": 2},
    "progressive": {"quality": 90, "progressive": True},
}
SEQUENTIAL = [kind for kind in KINDS if kind != "progressive"]


def photograph(kind: str, seed: int = 1) -> bytes:
    return encoded(skin(seed=seed), "JPEG", **KINDS[kind])


def refused(data: bytes) -> Unreadable:
    with pytest.raises(UnreadableImage) as caught:
        decode(data)
    return caught.value.reason


def passes(data: bytes) -> bool:
    try:
        decode(data)
    except UnreadableImage as error:
        return error.reason is not Unreadable.CORRUPT
    return True


def scans(data: bytes) -> list[int]:
    """Where the scan headers begin."""
    return [found.start() for found in re.finditer(rb"\xff\xda", data)]


@pytest.mark.parametrize("kind", KINDS)
def test_whole_files_are_whole(kind: str) -> None:
    for seed in range(5):
        assert decode(photograph(kind, seed)).size == SIZE
    for plain in (Image.new("RGB", (200, 100), "black"), Image.new("L", (100, 200), 128), Image.new("CMYK", (90, 90))):
        assert decode(encoded(plain, "JPEG", **KINDS[kind])).size == plain.size


@pytest.mark.control("H6.3")
@pytest.mark.parametrize("lost", [512, 4096])
@pytest.mark.parametrize("kind", SEQUENTIAL)
def test_lost_and_zeroed_sectors_are_damage(kind: str, lost: int) -> None:
    """Zeros that happen to decode into as many blocks as were there leave no trace: few do."""
    data = photograph(kind)
    places = np.linspace(scans(data)[0] + 40, len(data) - lost - 40, 15).astype(int).tolist()
    assert not any(passes(data[:at] + data[at + lost :]) for at in places)
    assert sum(passes(data[:at] + bytes(lost) + data[at + lost :]) for at in places) <= 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_and_closed_is_damaged(kind: str) -> None:
    data = photograph(kind)
    assert refused(data[: len(data) * 2 // 3] + b"\xff\xd9") is Unreadable.CORRUPT


def test_a_progressive_image_without_its_last_scans_is_damaged() -> None:
    data = photograph("progressive")
    for scan in scans(data)[1:]:
        tables = data.rfind(b"\xff\xc4", 0, scan)
        start = tables if int.from_bytes(data[tables + 2 : tables + 4], "big") + tables + 2 == scan else scan
        assert refused(data[:start] + b"\xff\xd9") is Unreadable.CORRUPT


def test_bytes_behind_the_image_are_no_damage() -> None:
    assert decode(photograph("baseline") + b"\x00" * 100 + photograph("baseline")).size == SIZE


@pytest.mark.parametrize(("at", "value"), [(4, 12), (1, 0xC3), (1, 0xC5)], ids=["12 bits", "lossless", "hierarchical"])
def test_a_whole_file_of_another_kind_is_not_called_damaged(at: int, value: int) -> None:
    data = bytearray(photograph("baseline"))
    data[data.index(b"\xff\xc0") + at] = value
    assert refused(bytes(data)) is Unreadable.UNSUPPORTED
    assert "This kind of JPEG is not supported" in Unreadable.UNSUPPORTED.message
    assert "or as PNG" in Unreadable.UNSUPPORTED.message


def test_real_images_are_whole(ham: Ham10000) -> None:
    assert all(ham.image(record).size == (256, 256) for record in ham.records[::100])


def test_what_a_seal_vouches_for_is_not_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    data = encoded(skin(), "JPEG", quality=92)
    searched: list[bytes] = []

    def is_whole(data: bytes, _scale: int = 1) -> bool:
        searched.append(data)
        return True

    monkeypatch.setattr("ml.imaging.jpeg.is_whole", is_whole)
    assert decode(data, known_whole=True).tobytes() == decode(data).tobytes()
    assert searched == [data]
