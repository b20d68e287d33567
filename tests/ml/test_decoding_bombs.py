"""Small files that claim to be huge, and randomly corrupted files."""

import contextlib
import subprocess
import sys
import zipfile
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from ml.imaging.decoding import Unreadable, UnreadableImage, decode
from tests.ml.support import encoded, picture
from tests.ml.test_decoding import bomb, reason
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]
MEGABYTES = 300
WEBP_13000 = bytes.fromhex("524946461c000000574542505650384c0f0000002fc7f2b10c0710a58dfe0722a2ff0100")
"""13,000 × 13,000 grey pixels."""
MEASURE = """
import resource, sys
from pathlib import Path
from ml.imaging.decoding import UnreadableImage, decode
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name in sys.argv[1:]:
    try:
        decode(Path(name).read_bytes())
    except UnreadableImage:
        pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def jpeg_bomb(side: int) -> bytes:
    """A photograph whose header claims side² pixels."""
    data = bytearray(encoded(picture(), "JPEG"))
    frame = data.index(b"\xff\xc0") + 5
    data[frame : frame + 4] = side.to_bytes(2, "big") * 2
    return bytes(data)


BOMBS = {
    **{f"png-{side}": bomb(side, side) for side in (9_450, 13_000)},
    **{f"jpeg-{side}": jpeg_bomb(side) for side in (9_450, 13_000)},
    "webp-13000": WEBP_13000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_too_large(name: str) -> None:
    assert len(BOMBS[name]) < 300_000
    assert reason(BOMBS[name]) is Unreadable.TOO_LARGE


def test_bombs_take_no_memory(tmp_path: Path) -> None:
    for name, data in BOMBS.items():
        (tmp_path / name).write_bytes(data)
    command = [sys.executable, "-c", MEASURE, *(str(tmp_path / name) for name in BOMBS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert int(done.stdout) < MEGABYTES


WHOLE = [encoded(picture(size=(96, 80)), format) for format in ("JPEG", "PNG", "WEBP")]
WHOLE.append(encoded(picture(size=(96, 80)), "JPEG", progressive=True, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0"))
WHOLE.append(encoded(picture(size=(96, 80)).convert("P"), "PNG", transparency=3))


@settings(max_examples=300)
@given(
    whole=st.sampled_from(WHOLE),
    changes=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=12),
    end=st.floats(0, 1),
    more=st.binary(max_size=40),
)
def test_random_corruption(whole: bytes, changes: list[tuple[float, int]], end: float, more: bytes) -> None:
    """An image or a reason, nothing else."""
    broken = bytearray(whole)
    for place, value in changes:
        broken[int(place * len(broken))] = value
    decoded_or_refused(bytes(broken[: int(len(broken) * max(end, 0.05))] if end < 0.5 else broken) + more)


def test_random_corruption_of_real_photographs(shared: Path) -> None:
    generator = np.random.default_rng(1)
    with zipfile.ZipFile(shared / "data" / "ham10000_256.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")][:20]
        photographs = [archive.read(name) for name in names]
    for photograph in photographs:
        assert decode(photograph).mode == "RGB"
        for _ in range(10):
            broken = np.frombuffer(photograph, np.uint8).copy()
            broken[generator.integers(0, len(broken), 8)] = generator.integers(0, 256, 8)
            decoded_or_refused(broken.tobytes())


def decoded_or_refused(data: bytes) -> None:
    with contextlib.suppress(UnreadableImage):
        assert decode(data, max_pixels=2_000_000).mode == "RGB"
