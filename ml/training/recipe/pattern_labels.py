"""What is known of an image's patterns, and where: the readers' merged labels, and the experts' pigment network."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ml.data.readings import CELLS, PATTERNS, read_readings
from ml.data.task2 import Isic2018Task2
from ml.patterns import Pattern

# A cell that is marked by a quarter counts in full: experts outline a network loosely.
_FULL: Final = 0.25
_PN: Final = PATTERNS.index(Pattern.PN)


class PatternLabels(NamedTuple):
    """`present` (N, 7) probabilities and `cells` (N, 7, 4, 4) shares of those who saw it there; NaN where unknown."""

    present: Tensor
    cells: Tensor


Known = Mapping[str, PatternLabels]


def read_pattern_labels(readings: Path | None, structures: Path | None) -> Known:
    """Image id → labels of one image, without N. Raises `DataError`.

    Pigment network is known from the experts of ISIC 2018 Task 2 only: on it, the readers disagree with experts.
    """
    known: dict[str, PatternLabels] = {}
    if readings:
        found = read_readings(readings)
        for image, present, cells in zip(found.images, found.present, found.cells, strict=True):
            labels = PatternLabels(torch.from_numpy(present).float(), torch.from_numpy(cells).float())
            for part in labels:
                part[_PN] = torch.nan
            known[image] = labels
    if structures:
        data = Isic2018Task2(structures)
        for record in data.records:
            labels = _unknown()
            labels.present[_PN] = float(data.pigment_network(record))
            marked = data.coverage(record, CELLS).astype(np.float32) / 255
            labels.cells[_PN] = torch.from_numpy(marked / _FULL).clamp(max=1)
            known[record.image_id] = labels
    return known


def labels_of(known: Known, images: Sequence[str]) -> PatternLabels:
    """The labels of these images, in order."""
    found = [known.get(image) or _unknown() for image in images]
    return PatternLabels(torch.stack([each.present for each in found]), torch.stack([each.cells for each in found]))


def _unknown() -> PatternLabels:
    return PatternLabels(torch.full((len(PATTERNS),), torch.nan), torch.full((len(PATTERNS), CELLS, CELLS), torch.nan))
