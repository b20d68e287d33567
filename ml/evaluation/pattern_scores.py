"""What the folds' pattern heads say of images that they never saw, from the files beside the folds.

`fold-k/pattern-scores.npz`: image_id (N,), scores (N, 7) and cells (N, 16, 7), logits of the patterns in the order of
`Pattern`, cells row by row from the top; every held-out image of HAM10000 and MILK10k. `fold-k/structures-scores.npz`:
the same of pigment network alone, scores (M,) and cells (M, 16), of the images of ISIC 2018 Task 2 withheld there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from ml.data.records import DataError
from ml.evaluation.metrics import Flags, Floats

FILE: Final = "pattern-scores.npz"
STRUCTURES_FILE: Final = "structures-scores.npz"


@dataclass(frozen=True)
class FoldScores:
    """N images, each from the fold that withheld it: `scores` (N, …) and `cells` (N, 16, …) are logits."""

    image_id: npt.NDArray[np.str_]
    fold: npt.NDArray[np.int64]
    scores: Floats
    cells: Floats

    @classmethod
    def read(cls, folders: Sequence[Path], name: str = FILE) -> Self | None:
        """Of the fold folders that have such a file; None where none has. Raises `DataError`."""
        files = [folder / name for folder in folders if (folder / name).exists()]
        parts = [_read(file) for file in files]
        if not parts:
            return None
        found = cls(*(np.concatenate(column) for column in zip(*parts, strict=True)))
        if len(np.unique(found.image_id)) < len(found.image_id):
            raise DataError(f"Two folds of {folders[0].parent} withheld the same image: {name} overlaps.")
        return found

    def of(self, rows: Flags) -> Self:
        return type(self)(self.image_id[rows], self.fold[rows], self.scores[rows], self.cells[rows])


def _read(file: Path) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.int64], Floats, Floats]:
    try:
        with file.open("rb") as stream, np.load(stream) as stored:
            names = stored["image_id"]
            scores, cells = (stored[key].astype(np.float64) for key in ("scores", "cells"))
    except (OSError, EOFError, KeyError, ValueError, BadZipFile) as error:
        raise DataError(f"{file} holds no scores of patterns: {error}") from error
    if len(scores) != len(names) or cells.shape[:2] != (len(names), 16):
        raise DataError(f"{file} does not have 16 cells and a score for each image.")
    return names, np.full(len(names), int(file.parent.name.rsplit("-", 1)[-1])), scores, cells
