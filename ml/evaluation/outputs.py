"""What the graphs of the folds say of the pictures that each of them held out: the very outputs that are served.

`python -m ml release` writes them, one file a fold, and chooses everything by them that a card says.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from ml.card import CODES
from ml.data.records import DataError
from ml.evaluation.metrics import Flags, Floats
from ml.patterns import Lesion

FILE: Final = "outputs.npz"

Names = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Outputs:
    """N pictures: `source` (a collection, or a kind such as "close-up"), `name`, `group` (lesion), `diagnosis` ("" for
    none), `fold`; `target_logits` (N, 10), `lesion_logits` (N, 9), `modality_logits` (N, 3); of each map its maximum
    `strength` (N, 10) and the `shares` (N, 10, 4, 4) of its energy in 4 × 4 cells."""

    source: Names
    name: Names
    group: Names
    diagnosis: Names
    fold: npt.NDArray[np.int64]
    target_logits: Floats
    lesion_logits: Floats
    modality_logits: Floats
    strength: Floats
    shares: Floats

    @classmethod
    def read(cls, runs: Path) -> Self:
        """Of every fold that has them. Raises `DataError` where none has."""
        files = sorted(runs.glob(f"fold-*/{FILE}"))
        if not files:
            raise DataError(f"{runs} has no outputs of a fold yet: `python -m ml release` makes them.")
        parts = [_fold(file) for file in files]
        return cls(**{name: np.concatenate([part[name] for part in parts]) for name in parts[0]})

    def of(self, rows: Flags) -> Self:
        return type(self)(**{name: column[rows] for name, column in vars(self).items()})

    def from_sources(self, *sources: str) -> Self:
        return self.of(np.isin(self.source, sources))

    def logits(self, code: str) -> Floats:
        """(N,) of the target with this code."""
        found: Floats = self.target_logits[:, CODES.index(code)]
        return found

    def maxima(self, code: str) -> Floats:
        """(N,) the maxima of the maps of the target with this code."""
        found: Floats = self.strength[:, CODES.index(code)]
        return found

    def shows(self, lesion: Lesion) -> Flags:
        found: Flags = self.diagnosis == lesion.value
        return found


def _fold(file: Path) -> dict[str, Any]:
    with np.load(file) as stored:
        names = {name: stored[name] for name in ("source", "name", "group", "diagnosis")}
        numbers = ("target_logits", "lesion_logits", "modality_logits", "strength", "shares")
        found = {name: stored[name].astype(np.float64) for name in numbers}
    number = int(file.parent.name.removeprefix("fold-"))
    return {**names, "fold": np.full(len(names["name"]), number), **found}
