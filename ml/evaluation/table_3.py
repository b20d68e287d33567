"""Table 3 of Matas et al., arXiv 2407.00104: a row of it, and what the paper itself reports."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.metrics import Flags, Floats

# Version 3, abstract: BCC on their own images; one of the six found in a BCC. Other images, so no like-for-like.
PAPER: Final[Mapping[str, Mapping[str, float]]] = {
    "BCC": {"accuracy": 0.90, "precision": 0.90, "recall": 0.89},
    "any of the six, in BCC": {"recall": 0.99},
}


def detection(scores: Floats, labels: Flags, threshold: float, bootstrap: Bootstrap) -> dict[str, Any]:
    """A row: every figure of one finding, called present from `threshold` upwards."""
    called: Flags = scores >= threshold
    everyone = np.ones(len(labels), np.bool_)
    cells = {"tp": called & labels, "fp": called & ~labels, "fn": ~called & labels, "tn": ~called & ~labels}
    return {
        "auc": bootstrap.interval(metrics.roc_auc, scores, labels),
        "average_precision": bootstrap.interval(metrics.average_precision, scores, labels),
        "recall": bootstrap.interval(metrics.share, called, labels),
        "specificity": bootstrap.interval(metrics.share, ~called, ~labels),
        "precision": bootstrap.interval(metrics.share, labels, called),
        "accuracy": bootstrap.interval(metrics.share, called == labels, everyone),
        "f1": bootstrap.interval(metrics.f1, called, labels),
        "confusion": {name: bootstrap.interval(metrics.count, cell) for name, cell in cells.items()},
    }
