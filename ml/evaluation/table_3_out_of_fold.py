"""Table 3 of Matas et al. (arXiv 2407.00104) for a diagnosis, out of fold: each fold at a threshold of the others.

The threshold is the highest that finds the wanted share of it in *every* collection, and not by luck: the one-sided
lower bound of that share (Clopper, Pearson, Biometrika 26, 1934) must reach it, counted in lesions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, variance
from typing import Final

import numpy as np
from scipy.stats import beta

from ml.evaluation.bootstrap import Bootstrap, Estimate
from ml.evaluation.metrics import Floats
from ml.evaluation.out_of_fold import Finding
from ml.evaluation.table_3 import detection

WANTED: Final = 0.95
CONFIDENCE: Final = 0.90
RANKED: Final = ("auc", "average_precision")  # need no threshold
COLUMNS: Final = ("recall", "specificity", "precision", "accuracy", "f1", *RANKED)


class TooFewLesions(ValueError):  # noqa: N818
    """There are too few lesions to be sure of a sensitivity."""


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


def threshold(found: Finding, wanted: float = WANTED, confidence: float = CONFIDENCE) -> float:
    """The lowest that a collection asks for; one without the finding asks for nothing. Raises `TooFewLesions`."""
    parts = [found.of(rows) for rows in found.by_collection().values()]
    asked = [_threshold(part, wanted, confidence) for part in parts if part.present.any()]
    if not asked:
        raise TooFewLesions("A threshold takes lesions of at least two folds.")
    return min(asked)


def _threshold(found: Finding, wanted: float, confidence: float) -> float:
    positives = np.sort(found.scores[found.present])[::-1]
    lesions = len(set(found.group[found.present].tolist()))
    hits = np.arange(lesions + 1)
    bound = beta.ppf(1 - confidence, hits, lesions - hits + 1)
    enough = np.flatnonzero(bound >= wanted)
    if not len(enough):
        raise TooFewLesions(
            f"{lesions} lesions are too few for a sensitivity of {wanted} with confidence {confidence}."
        )
    share = enough[0] / lesions
    return float(positives[int(np.ceil(share * len(positives) - 1e-9)) - 1])


def margins(found: Finding) -> Floats:
    """(N,) each image's score above the threshold that the other folds' images give. Raises `TooFewLesions`."""
    above = np.empty(len(found.scores))
    for number in np.unique(found.fold):
        here = found.fold == number
        above[here] = found.scores[here] - threshold(found.of(~here))
    return above


def table3(found: Finding, resamples: int | None = None) -> Mapping[str, Mapping[str, Row]]:
    """Collection → figure → `Row`, where the collection has the finding. AUC and average precision are of plain scores.

    Raises `TooFewLesions`.
    """
    above = margins(found)
    return {
        name: _rows(found.of(rows), above[rows], resamples)
        for name, rows in found.by_collection().items()
        if found.present[rows].any()
    }


def _rows(found: Finding, above: Floats, resamples: int | None) -> Mapping[str, Row]:
    bootstrap = Bootstrap(found.group, resamples)
    ranked = detection(found.scores, found.present, 0.0, bootstrap)
    pooled = {**detection(above, found.present, 0.0, bootstrap), **{name: ranked[name] for name in RANKED}}
    folds = []
    for number in np.unique(found.fold):
        here = found.fold == number
        folds.append(detection(above[here], found.present[here], 0.0, Bootstrap(found.group[here], 1)))
    return {name: Row(pooled[name], tuple(float(fold[name]["value"]) for fold in folds)) for name in COLUMNS}
