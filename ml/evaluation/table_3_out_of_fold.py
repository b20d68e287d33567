"""Table 3 of Matas et al. (arXiv 2407.00104) for a diagnosis, out of fold: each fold at a threshold of the others.

The threshold is the highest that finds the wanted share of it in *every* collection, and not by luck: the one-sided
lower bound of that share (Clopper, Pearson, Biometrika 26, 1934) must reach it, counted in lesions.
"""

from collections.abc import Iterable
from statistics import fmean, variance
from typing import Any, Final

import numpy as np
from scipy.stats import beta

from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.metrics import Floats
from ml.evaluation.out_of_fold import Finding
from ml.evaluation.table_3 import detection

WANTED: Final = 0.95
CONFIDENCE: Final = 0.90
RANKED: Final = ("auc", "average_precision")  # need no threshold
COLUMNS: Final = ("recall", "specificity", "precision", "accuracy", "f1", *RANKED)


class TooFewLesions(ValueError):  # noqa: N818
    """There are too few lesions to be sure of a sensitivity."""


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


def row_of(found: Finding, above: Floats | None, resamples: int | None = None) -> dict[str, Any]:
    """A row as JSON: images, positives, and each figure with its interval and its mean and variance over folds.

    `above` (N,): by how much each score exceeds its point; without it only what needs no point. AUC and average
    precision are of plain scores. A fold in which a figure is undefined doesn't count in its mean.
    """
    bootstrap = Bootstrap(found.group, resamples)
    ranked = detection(found.scores, found.present, 0.0, bootstrap)
    pooled = ranked if above is None else detection(above, found.present, 0.0, bootstrap)
    figures = RANKED if above is None else COLUMNS
    folds = [_of_fold(found, above, number) for number in np.unique(found.fold)]
    return {
        "images": len(found.present),
        "positives": int(found.present.sum()),
        "figures": {
            name: {**(ranked if name in RANKED else pooled)[name], **spread(fold[name]["value"] for fold in folds)}
            for name in figures
        },
    }


def _of_fold(found: Finding, above: Floats | None, number: int) -> dict[str, Any]:
    here = found.fold == number
    scores = (found.scores if above is None else above)[here]
    return detection(scores, found.present[here], 0.0, Bootstrap(found.group[here], 1))


def spread(values: Iterable[float | None]) -> dict[str, float | None]:
    """Mean and variance over folds of what is defined; the variance of fewer than two is None."""
    known = [value for value in values if value is not None and value == value]
    return {"mean": fmean(known) if known else None, "variance": variance(known) if len(known) > 1 else None}
