"""Table 3 of Matas et al., arXiv 2407.00104: sensitivity, specificity, precision, accuracy, F1 and AUC of each finding.

`detection` is one row of it. BCC's row is part of `ml.evaluation.diagnosis`; here are those of the patterns.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from ml.card import Card
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.metrics import Flags, Floats
from ml.evaluation.predictions import DrawnPredictions, Predictions, pattern_probabilities
from ml.patterns import Pattern


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


def on_expert_labels(known: Predictions, network: Flags, card: Card, resamples: int | None = None) -> dict[str, Any]:
    """Pigment network on ISIC 2018 Task 2. `network` (N,): whether the experts marked it."""
    column = card.patterns.index(Pattern.PN)
    scores = pattern_probabilities(card, known.pattern_logits)[:, column]
    return {
        "images": len(network),
        "positives": int(network.sum()),
        **detection(scores, network, card.targets[1 + column].threshold, Bootstrap(known.groups, resamples)),
        "unfamiliar": int(known.unfamiliar.sum()),
    }


def on_drawings(known: DrawnPredictions, card: Card, resamples: int | None = None) -> dict[str, Any]:
    """Each assessed pattern that the drawings both show and lack, and the mean area under the ROC curve."""
    probabilities = pattern_probabilities(card, known.pattern_logits)
    columns = {p: k for k, p in enumerate(card.patterns) if {0.0, 1.0} <= set(known.labels(p).tolist())}

    def row(pattern: Pattern, column: int) -> dict[str, Any]:
        rows, labels = _labelled(known.labels(pattern))
        threshold = card.targets[1 + column].threshold
        figures = detection(probabilities[rows, column], labels, threshold, Bootstrap(np.flatnonzero(rows), resamples))
        return {"images": len(labels), "positives": int(labels.sum()), **figures}

    def macro_auc(weights: Floats) -> Floats:
        areas = []
        for pattern, column in columns.items():
            rows, labels = _labelled(known.labels(pattern))
            areas.append(metrics.roc_auc(known.pattern_logits[rows, column], labels, weights[:, rows]))
        mean: Floats = np.mean(areas, axis=0)
        return mean

    return {
        "images": len(known.unfamiliar),
        "macro_auc": Bootstrap(range(len(known.unfamiliar)), resamples).interval(macro_auc),
        "patterns": {pattern.value: row(pattern, column) for pattern, column in columns.items()},
        "unfamiliar": int(known.unfamiliar.sum()),
    }


def _labelled(labels: npt.NDArray[np.float32]) -> tuple[Flags, Flags]:
    """Which rows have a label (N,), and those labels (K,)."""
    rows: Flags = ~np.isnan(labels)
    return rows, labels[rows] == 1
