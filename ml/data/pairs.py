"""Images that show the same lesion under different names, found by what they show and not by what they are called.

Two photographs of one lesion differ in white balance, shift and crop. A thumbnail normalised channel by channel is free
of the first; comparing it with the other image's thumbnails in many windows finds candidates; and what tells the same
lesion from another of the same shape is fine detail, compared at the best alignment. A rotated copy is not found.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from skimage.feature import match_template
from skimage.filters import gaussian
from skimage.transform import resize

SIDE: Final = 96
_CELLS: Final = 10
_CENTRE: Final = (0.5, 0.5, 0.7)  # middle and share of the side: what is looked for in the other image
_WINDOWS: Final = [(0.5 + x, 0.5 + y, w) for w, x, y in product((0.56, 0.7, 0.84), (-0.1, 0, 0.1), (-0.1, 0, 0.1))]
_ENLARGED: Final = np.geomspace(0.75, 1.34, 13)
_CHUNK: Final = 256
# Outlines alike enough to look closer; detail, at half the size, alike enough to look again; and detail alike enough to
# be the same lesion. Between HAM10000 and MILK10k true pairs have 0.8 and more, others mostly less than 0.75.
CANDIDATE: Final = 0.92
CLOSER: Final = 0.88
SAME: Final = 0.77

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Pair:
    """Two indices into the images compared, with how alike their outlines and their details are, at most 1."""

    first: int
    second: int
    outline: float
    detail: float


def thumbnail(image: Image.Image) -> Pixels:
    """What is compared of an image: its centre square at (SIDE, SIDE, 3)."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    box = (left, top, left + side, top + side)
    return np.asarray(image.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX, box=box))


def find_pairs(first: Pixels, second: Pixels | None = None) -> Iterator[Pair]:
    """Images of the same lesion among (N, S, S, 3) and (M, S, S, 3) thumbnails; without a second, within the first."""
    others = first if second is None else second
    wanted = np.stack([outline(image, *_CENTRE) for image in first])
    for start in range(0, len(others), _CHUNK):
        part = others[start : start + _CHUNK]
        alike = np.full((len(first), len(part)), -1, np.float32)
        for window in _WINDOWS:
            np.maximum(alike, wanted @ np.stack([outline(image, *window) for image in part]).T, out=alike)
        for row, column in np.argwhere(alike >= CANDIDATE).tolist():
            if second is None and row >= start + column:
                continue
            if detail_alike(_halved(first[row]), _halved(part[column])) < CLOSER:
                continue
            detail = detail_alike(first[row], part[column])
            if detail >= SAME:
                yield Pair(row, start + column, float(alike[row, column]), detail)


def outline(image: Pixels, x: float, y: float, width: float) -> Floats:
    """A window of a (S, S, 3) thumbnail in few cells, each channel without mean and scale: (3 · cells²,), norm 1."""
    side = len(image)
    left, top, right, bottom = (
        int(np.clip(round(side * place), 0, side))
        for place in (x - width / 2, y - width / 2, x + width / 2, y + width / 2)
    )
    small = Image.fromarray(image[top:bottom, left:right]).resize((_CELLS, _CELLS), Image.Resampling.BOX)
    cells = np.asarray(small, np.float32).reshape(-1, 3)
    cells = cells - cells.mean(axis=0)
    cells = cells / (np.linalg.norm(cells, axis=0) + 1e-6) / np.sqrt(3)
    return cells.T.ravel()


def detail_alike(first: Pixels, second: Pixels) -> float:
    """The highest correlation of two thumbnails' fine detail, wherever and however large the first's middle lies in
    the second."""
    margin = round(len(first) * (1 - _CENTRE[2]) / 2)
    template = _detail(first.mean(axis=2))[margin:-margin, margin:-margin]
    grey, found = second.mean(axis=2), 0.0
    for scale in _ENLARGED:
        side = round(len(grey) * scale)
        if side > len(template):
            image = _detail(resize(grey, (side, side), anti_aliasing=scale < 1))
            found = max(found, float(match_template(image, template).max()))
    return found


def _halved(image: Pixels) -> Pixels:
    side = len(image) // 2
    return image.reshape(side, 2, side, 2, 3).mean(axis=(1, 3)).astype(np.uint8)


def _detail(grey: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
    """What a blur takes away, without the noise of single pixels."""
    fine: npt.NDArray[np.floating] = gaussian(grey, 1) - gaussian(grey, 4)
    return fine
