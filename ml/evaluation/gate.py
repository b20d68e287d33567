"""The gate: which pictures it sends to a person because they do not look like dermoscopy, source by source."""

from typing import Any, Final

import numpy as np
from scipy.special import softmax

from ml.data.collections import HAM, MILK
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.metrics import Flags, Floats
from ml.evaluation.outputs import Outputs
from ml.patterns import Modality

# Collections of dermoscopic images, of which the gate may send a share to a person.
DERMOSCOPIC: Final = (HAM, MILK)
FALSE_ALARMS: Final = 0.02


def gate(found: Outputs, threshold: float | None = None, resamples: int | None = None) -> dict[str, dict[str, Any]]:
    """Source → pictures, and the share `sent` to a person, 95 % over lesions (or kinds of picture).

    Without a threshold on the probability of dermoscopy, each fold is judged by what the others' images give.
    """
    asked: Flags = dermoscopic(found) < (of_the_others(found) if threshold is None else threshold)
    table = {}
    for name in sorted(set(found.source.tolist()), key=lambda name: (name not in DERMOSCOPIC, name)):
        here = found.source == name
        sent = Bootstrap(found.group[here], resamples).interval(metrics.share, asked[here], here[here])
        table[name] = {"pictures": int(here.sum()), "sent": sent}
    return table


def dermoscopic(found: Outputs) -> Floats:
    """(N,) probability that a picture is dermoscopic."""
    column: Floats = softmax(found.modality_logits, axis=1)[:, list(Modality).index(Modality.DERMOSCOPIC)]
    return column


def of_the_others(found: Outputs) -> Floats:
    """(N,) the highest threshold that sends no more than `FALSE_ALARMS` of either collection's images in the other
    folds to a person; NaN, which sends nobody, where there is no other fold."""
    scores, limits = dermoscopic(found), np.full(len(found.fold), np.nan)
    for number in np.unique(found.fold):
        others = [scores[(found.source == name) & (found.fold != number)] for name in DERMOSCOPIC]
        known = [np.sort(part)[int(FALSE_ALARMS * len(part))] for part in others if len(part)]
        if known:
            limits[found.fold == number] = min(known)
    return limits
