"""Table 3 of Matas et al. (arXiv 2407.00104) for BCC, out of fold: each fold called at a threshold of the others.

The threshold is the highest that finds the wanted share of BCC in *every* collection, and not by luck: the one-sided
lower bound of that share (Clopper, Pearson, Biometrika 26, 1934) must reach it, counted in lesions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import Final

import numpy as np
from scipy.stats import beta

from ml.evaluation.bootstrap import Bootstrap, Estimate
from ml.evaluation.diagnosis import detection
from ml.evaluation.metrics import Floats
from ml.evaluation.out_of_fold import OutOfFold

WANTED: Final = 0.95
CONFIDENCE: Final = 0.90
COLUMNS: Final = ("recall", "specificity", "precision", "accuracy", "f1", "auc", "average_precision")


class TooFewLesions(ValueError):  # noqa: N818
    """There are too few lesions of BCC to be sure of a sensitivity."""


@dataclass(frozen=True)
class Row:
    """A figure: over all images with its interval, and fold by fold. `variance` is None for a single fold."""

    pooled: Estimate
    folds: tuple[float, ...]

    @property
    def mean(self) -> float:
        return fmean(self.folds)

    @property
    def variance(self) -> float | None:
        return variance(self.folds) if len(self.folds) > 1 else None


def threshold(found: OutOfFold, wanted: float = WANTED, confidence: float = CONFIDENCE) -> float:
    """Raises `TooFewLesions`, also where there is no image at all, as beside a single fold."""
    if not len(found.scores):
        raise TooFewLesions("A threshold takes the images of at least two folds.")
    return min(_threshold(found.of(found.collection == name), wanted, confidence) for name in set(found.collection))


def _threshold(found: OutOfFold, wanted: float, confidence: float) -> float:
    positives = np.sort(found.scores[found.bcc])[::-1]
    lesions = len(set(found.group[found.bcc].tolist()))
    hits = np.arange(lesions + 1)
    bound = beta.ppf(1 - confidence, hits, lesions - hits + 1)
    enough = np.flatnonzero(bound >= wanted)
    if not len(enough):
        raise TooFewLesions(f"{lesions} lesions of BCC are too few for a sensitivity of {wanted} at {confidence}.")
    share = enough[0] / lesions
    return float(positives[int(np.ceil(share * len(positives) - 1e-9)) - 1])


def margins(found: OutOfFold) -> Floats:
    """(N,) each image's score above the threshold that the other folds' images give."""
    above = np.empty(len(found.scores))
    for number in np.unique(found.fold):
        here = found.fold == number
        above[here] = found.scores[here] - threshold(found.of(~here))
    return above


def table3(found: OutOfFold, resamples: int | None = None) -> Mapping[str, Mapping[str, Row]]:
    """Collection → figure → `Row`. AUC and average precision are of the plain scores."""
    above = margins(found)
    return {name: _rows(found.of(rows), above[rows], resamples) for name, rows in _collections(found)}


def _collections(found: OutOfFold) -> Sequence[tuple[str, np.ndarray]]:
    return [(str(name), found.collection == name) for name in np.unique(found.collection)]


def _rows(found: OutOfFold, above: Floats, resamples: int | None) -> Mapping[str, Row]:
    called = detection(above, found.bcc, 0.0, Bootstrap(found.group, resamples))
    ranked = detection(found.scores, found.bcc, 0.0, Bootstrap(found.group, resamples))
    folds = []
    for number in np.unique(found.fold):
        here = found.fold == number
        folds.append(detection(above[here], found.bcc[here], 0.0, Bootstrap(found.group[here], 1)))
    pooled = {**called, **{name: ranked[name] for name in ("auc", "average_precision")}}
    return {name: Row(pooled[name], tuple(float(fold[name]["value"]) for fold in folds)) for name in COLUMNS}
