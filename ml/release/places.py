"""How a target's maps are shown: one scale, and from which strength on a map says where."""

from typing import Final

import numpy as np

from ml.card import Place
from ml.evaluation.metrics import Floats

FULL: Final = 95  # percentiles of the maxima of maps of images with the finding, out of fold
FLOOR: Final = 5
_LEAST: Final = 1e-6


def place(maxima: Floats) -> Place:
    """Of the maps of images with the finding, (N,)."""
    if not len(maxima):
        return Place(1.0, 1.0)  # nobody has seen a map of it: none is reliable
    floor, full = np.percentile(maxima, [FLOOR, FULL])
    return Place(max(float(full), _LEAST), max(float(floor), _LEAST))
