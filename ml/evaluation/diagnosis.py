"""The malignant types, collection by collection: ranked by their scores, and called at the shipped points."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ml.card import Card
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap, Estimate
from ml.evaluation.metrics import Floats
from ml.evaluation.out_of_fold import SENSITIVITY, OutOfFold, figures
from ml.patterns import MALIGNANT, Lesion

Figures = dict[str, Estimate]


def diagnosis(found: OutOfFold, meant: Mapping[Lesion, Floats], resamples: int | None = None) -> dict[str, Figures]:
    """Collection → name of a figure → {value, low, high}; what a collection lacks is left out.

    `meant`: calibrated probabilities (N,) of each malignant type, of every image by what the other folds fit.
    """
    table = figures(found, resamples)
    for name, rows in table.items():
        part = found.of(here := found.collection == name)
        rows |= _others(part, resamples)
        rows |= _calibration(part, {kind: values[here] for kind, values in meant.items()}, resamples)
    return table


def _others(found: OutOfFold, resamples: int | None) -> Figures:
    """What `figures` says of BCC, for the other malignant types."""
    bootstrap, rows = Bootstrap(found.group, resamples), {}
    for kind in MALIGNANT:
        finding = found.finding(kind)
        if kind is Lesion.BCC or not finding.present.any():
            continue
        ranked = (finding.scores, finding.present)
        rows[f"{kind.upper()}: AUC"] = bootstrap.interval(metrics.roc_auc, *ranked)
        rows[f"{kind.upper()}: specificity at sensitivity {SENSITIVITY:g}"] = bootstrap.interval(
            metrics.specificity_at, SENSITIVITY, *ranked
        )
    return rows


def _calibration(found: OutOfFold, meant: Mapping[Lesion, Floats], resamples: int | None) -> Figures:
    bootstrap = Bootstrap(found.group, resamples)
    return {
        f"{kind.upper()}: calibration error": bootstrap.interval(
            metrics.calibration_error, values, found.finding(kind).present
        )
        for kind, values in meant.items()
    }


def at_shipped_points(found: OutOfFold, card: Card, resamples: int | None = None) -> dict[str, dict[str, Any]]:
    """BCC, SCC, MEL → collection → sensitivity, specificity, and how many images they are counted on.

    The card's calibration and threshold, applied to out-of-fold scores. A collection without the type is left out.
    """
    table: dict[str, dict[str, Any]] = {}
    for kind in MALIGNANT:
        finding, target = found.finding(kind), card.target(kind.upper())
        called = target.probability(finding.scores) >= target.threshold
        rows = table[target.code] = {}
        for name, here in finding.by_collection().items():
            present, found_here = finding.present[here], called[here]
            if present.any():
                bootstrap = Bootstrap(finding.group[here], resamples)
                rows[name] = {
                    "sensitivity": bootstrap.interval(metrics.share, found_here, present),
                    "specificity": bootstrap.interval(metrics.share, ~found_here, ~present),
                    "positives": int(present.sum()),
                    "negatives": int((~present).sum()),
                }
    return table


def sizes(found: OutOfFold) -> dict[str, dict[str, int]]:
    """Collection → images, lesions, and how many of each are BCC."""
    return {
        str(name): {
            "images": int(here.sum()),
            "lesions": len(np.unique(found.group[here])),
            "bcc_images": int((here & found.bcc).sum()),
            "bcc_lesions": len(np.unique(found.group[here & found.bcc])),
        }
        for name in np.unique(found.collection)
        for here in [found.collection == name]
    }
