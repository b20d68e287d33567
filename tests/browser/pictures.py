"""The images that the browser tests upload. Real ones come from the project's data folder and are never kept."""

import csv
import io
import itertools
import zipfile
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from ml import phantoms
from ml.patterns import Pattern
from tests.conftest import SHARED_DATA
from tests.images import encoded, picture

HAM10000 = SHARED_DATA / "ham10000_256.zip"
GREEN, BLUE = (0, 255, 0), (0, 0, 255)
MARKS = {GREEN: (0.3, 0.3), BLUE: (0.7, 0.7)}
"""Positions of the spots in ``marked_portrait``, as shares of the centre square from its upper left."""


@cache
def drawn(seed: int = 7, *patterns: Pattern) -> bytes:
    phantom = phantoms.generate(seed, patterns or (Pattern.AT,), size=(640, 480), caption=True)
    return encoded(phantom.image, "PNG")


_SEEDS = itertools.count(1000)


def fresh() -> bytes:
    """An image no test has sent before: a repeated one would be flagged."""
    return drawn(next(_SEEDS))


def blurred() -> bytes:
    """A new image that is clearly out of focus."""
    return encoded(picture(640, 480, next(_SEEDS)).filter(ImageFilter.GaussianBlur(12)), "PNG")


@cache
def carcinoma() -> bytes:
    """A real basal cell carcinoma if the data is there, otherwise a drawn one."""
    if not HAM10000.is_file():
        return drawn(7, Pattern.AT)
    with zipfile.ZipFile(HAM10000) as archive, archive.open("metadata.csv") as table:
        rows = csv.DictReader(io.TextIOWrapper(table, "utf-8"))
        image_id = min(row["image_id"] for row in rows if row["dx"] == "bcc")
        return archive.read(f"images/{image_id}.jpg")


def truncated() -> bytes:
    whole = encoded(picture(400, 300), "JPEG")
    return whole[: len(whole) // 2]


def marked_portrait() -> bytes:
    """A portrait JPEG stored lying on its side (EXIF orientation 6), with a green and a blue spot."""
    upright = picture(600, 900)
    brush = ImageDraw.Draw(upright)
    for colour, (x, y) in MARKS.items():
        brush.circle((600 * x, 150 + 600 * y), 12, fill=colour)
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(upright.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=98, subsampling=0, exif=exif)


def spot(screenshot: bytes, colour: tuple[int, int, int]) -> tuple[float, float] | None:
    """The centre of the pixels of about this colour; None if there are hardly any."""
    pixels = np.asarray(Image.open(io.BytesIO(screenshot)).convert("RGB")).astype(int)
    rows, columns = np.nonzero(np.abs(pixels - colour).sum(axis=2) < 120)
    if len(rows) <= 20:
        return None
    return float(columns.mean()) + 0.5, float(rows.mean()) + 0.5
