"""Finished networks that judge every view a student sees: soft labels that hold for that very view.

Source: Hinton et al., arXiv 1503.02531; Beyer et al., arXiv 2106.05237, on why teacher and student must see the same.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from ml.training.recipe.config import read
from ml.training.recipe.network import LesionNet
from ml.training.recipe.weights import load


class Lesson(NamedTuple):
    """Probabilities: `bcc` (B,), `lesion` (B, 9), `cells` (B, 16, 7)."""

    bcc: Tensor
    lesion: Tensor
    cells: Tensor


class Teachers:
    """Asked one at a time, at random, which costs one network and teaches what all of them say on average."""

    def __init__(self, runs: Sequence[str], device: torch.device) -> None:
        """Raises `DataError` where a folder holds no finished run."""
        self.networks: list[LesionNet] = [load(read(Path(run)), Path(run)).to(device) for run in runs]

    @torch.no_grad()
    def lesson(self, images: Tensor, generator: Generator) -> Lesson:
        """Of normalised views (B, 3, S, S)."""
        chosen = int(torch.randint(len(self.networks), (1,), generator=generator))
        scores = self.networks[chosen](images)
        bcc, lesion, cells = (logits.float() for logits in scores[:3])
        return Lesson(bcc.sigmoid(), lesion.softmax(dim=1), cells.sigmoid())
