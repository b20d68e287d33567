"""The pattern heads of each fold: fitted on the read images its network learnt from, for those that it held out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml.data.readings import Readings
from ml.data.records import DataError
from ml.training.pattern_heads import Floats, Head, fit, means
from ml.training.recipe.network import CHANNELS, STAGES


@dataclass(frozen=True)
class FoldHeads:
    """`heads`, one for each of the seven patterns; `images` (M,) that were read and held out, with `logits` (M, 7) and
    what was read: `present` (M, 7) probabilities and `cells` (M, 7, 4, 4)."""

    folder: Path
    heads: tuple[Head, ...]
    images: tuple[str, ...]
    logits: Floats
    present: Floats
    cells: Floats


def fold_heads(folder: Path, readings: Readings, stages: Sequence[int], strength: float) -> Iterator[FoldHeads]:
    """Of every fold that has its features. Raises `DataError` where none has."""
    files = sorted(folder.glob("fold-*/readings.npz"))
    if not files:
        raise DataError(f"{folder} has no features of the readings yet: `python -m ml features` makes them.")
    for file in files:
        yield _fold(file, readings, means(STAGES, CHANNELS, stages), strength)


def _fold(file: Path, readings: Readings, columns: npt.NDArray[np.int64], strength: float) -> FoldHeads:
    with np.load(file) as stored, np.load(file.parent / "predictions.npz") as predicted:
        images, features = stored["image_id"], stored["features"][:, columns].astype(np.float64)
        out = np.isin(images, predicted["image_id"])
    row_of = readings.index()
    rows = [row_of[image] for image in images.tolist()]
    present, cells = readings.present[rows], readings.cells[rows]
    heads = tuple(fit(features[~out], present[~out, k], strength) for k in range(present.shape[1]))
    logits = np.stack([head.logits(features[out]) for head in heads], axis=1)
    return FoldHeads(file.parent, heads, tuple(images[out].tolist()), logits, present[out], cells[out])
