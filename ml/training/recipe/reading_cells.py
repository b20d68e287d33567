"""Cell heads of each fold: features of every cell of the read images, and heads for those that were held out."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from ml.data.readings import Readings
from ml.data.records import DataError
from ml.training.cell_heads import CellHeads, Floats, fit, pooled, to_cells
from ml.training.recipe.frozen import Load, seen
from ml.training.recipe.network import LesionNet
from ml.training.recipe.network import STAGES
from ml.training.recipe.train import normalise

FILE: Final = "reading-cells.npz"
_BATCH: Final = 8
_STRIDE: Final = 8  # of the finest stage


@torch.no_grad()
def write(file: Path, network: LesionNet, images: list[tuple[str, Load]], side: int) -> None:
    """Features (N, 16, F) of (name, how to get the picture), with image_id, as an npz file."""
    parts = []
    for start in range(0, len(images), _BATCH):
        squares = np.stack([seen(load(), side) for _, load in images[start : start + _BATCH]])
        activations, cells = normalise(torch.from_numpy(squares).permute(0, 3, 1, 2).float()), []
        for number, block in enumerate(network.eval().features):
            activations = block(activations)
            if number in STAGES:
                cells.append(to_cells(activations, side // _STRIDE))
        parts.append(torch.cat(cells, dim=2).to(torch.float16).numpy())
    temporary = file.with_suffix(".part.npz")
    np.savez(temporary, image_id=np.array([name for name, _ in images]), cells=np.concatenate(parts))
    temporary.replace(file)


@dataclass(frozen=True)
class FoldCells:
    """`heads` of the seven patterns; `images` (M,) read and held out; `logits` (M, 16, 7) of their cells, `named`
    (M, 16, 7) shares of readers, `present` (M, 7) by the merged readings."""

    heads: CellHeads
    images: tuple[str, ...]
    logits: Floats
    named: Floats
    present: Floats

    @property
    def scores(self) -> Floats:
        return pooled(self.logits)


def fold_cells(folder: Path, readings: Readings) -> Iterator[FoldCells]:
    """Of every fold that has its features. Raises `DataError` where none has."""
    files = sorted(folder.glob(f"fold-*/{FILE}"))
    if not files:
        raise DataError(f"{folder} has no features of cells yet: `python -m ml features` makes them.")
    for file in files:
        with np.load(file) as stored, np.load(file.parent / "predictions.npz") as predicted:
            images: npt.NDArray[np.str_] = stored["image_id"]
            cells, out = stored["cells"], np.isin(images, predicted["image_id"])
        row_of = readings.index()
        rows = [row_of[image] for image in images.tolist()]
        # (N, 7, 4, 4) → (N, 16, 7)
        named = readings.cells[rows].reshape(len(rows), -1, cells.shape[1]).transpose(0, 2, 1)
        heads = fit(cells[~out], named[~out])
        yield FoldCells(
            heads, tuple(images[out].tolist()), heads.logits(cells[out]), named[out], readings.present[rows][out]
        )
