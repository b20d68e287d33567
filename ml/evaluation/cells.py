"""Do maps lie where readers saw a pattern? Both as 4 × 4 cells over the analysed square, the readers' grid.

The readers' cells are weak labels (`ml.data.readings`): automated readings that no dermatologist has checked.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ml.evaluation.bootstrap import Bootstrap, Estimate
from ml.evaluation.metrics import Flags, Floats

GRID: Final = 4
CELLS: Final = tuple(f"{column}{row}" for row in range(1, GRID + 1) for column in "abcd")
# A cell is marked where at least this share of the image's readers named it; they agree on an image where one is.
MARKED: Final = 0.5


def shares(maps: npt.NDArray[np.floating]) -> Floats:
    """(N, h, w) maps ≥ 0 → (N, 4, 4) the share of each map's energy in each cell, NaN throughout for an empty map.

    A pixel across the border of two cells counts in both by the part that lies there.
    """
    rows, columns = (_overlap(size) for size in maps.shape[1:])
    energy = np.einsum("rh,nhw,cw->nrc", rows, maps.astype(np.float64), columns)
    total = energy.sum(axis=(1, 2), keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        share: Floats = np.where(total > 0, energy / total, np.nan)
    return share


def _overlap(size: int) -> Floats:
    """(4, size): how much of each of `size` equal pixels lies in each of four equal parts."""
    edges, cells = np.arange(size + 1) / size, np.arange(GRID + 1) / GRID
    low = np.maximum(edges[None, :-1], cells[:-1, None])
    high = np.minimum(edges[None, 1:], cells[1:, None])
    overlap: Floats = np.maximum(high - low, 0) * size
    return overlap


@dataclass(frozen=True)
class CellRow:
    """`images` with a map and with marked and unmarked cells; `ratio` the mean of a map inside over outside the marked
    cells, means over images first; `missed` the share of images whose strongest cell no reader named."""

    images: int
    ratio: Estimate
    missed: Estimate


def against_readers(share: Floats, read: Floats, lesion: npt.NDArray[np.str_], resamples: int | None = None) -> CellRow:
    """`share` (N, 4, 4) as of `shares`; `read` (N, 4, 4) the share of readers who named a cell; 95 % over lesions."""
    marked = read >= MARKED
    count = marked.sum(axis=(1, 2))
    usable = ~np.isnan(share).any(axis=(1, 2)) & (count > 0) & (count < GRID**2)
    if not usable.any():
        nothing: Estimate = {"value": None, "low": None, "high": None}
        return CellRow(0, nothing, nothing)
    share, read, marked, count = share[usable], read[usable], marked[usable], count[usable]
    inside = (share * marked).sum(axis=(1, 2)) / count
    outside = (share * ~marked).sum(axis=(1, 2)) / (GRID**2 - count)
    strongest = share.reshape(-1, GRID**2).argmax(axis=1)
    missed: Flags = read.reshape(-1, GRID**2)[np.arange(len(read)), strongest] == 0
    bootstrap = Bootstrap(lesion[usable], resamples)
    return CellRow(
        int(usable.sum()),
        bootstrap.interval(lambda weights: (weights @ inside) / (weights @ outside)),
        bootstrap.interval(lambda weights: (weights @ missed) / weights.sum(axis=1)),
    )
