"""Thresholds of a malignant type, and what is promised of the default one: collection by collection, out of fold.

A threshold must hold on all collections together and on *each* that has enough positives, with room for chance: its
sensitivity reaches the target in nine of ten bootstrap resamples of the lesions, a one-sided 90 % bound.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from ml.card import Measured, OperatingPoint, Promise, Target
from ml.data.collections import HAM, MILK
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap, Estimate
from ml.evaluation.metrics import Flags, Floats
from ml.evaluation.outputs import Names, Outputs
from ml.patterns import MALIGNANT, Lesion
from ml.release.places import place
from ml.training.calibration import fit_binary, sensitivity_specificity

CONFIDENCE: Final = 0.90
LEAST_POSITIVES: Final = 50
# Target sensitivities, the default last in each pair. Melanoma's is lower, since at .90 two of five other images would
# count as suspected, and "now" would no longer mean now; every case is read by a person.
TARGETS: Final[dict[Lesion, tuple[tuple[float, ...], float]]] = {
    Lesion.BCC: ((0.90, 0.95, 0.98), 0.95),
    Lesion.SCC: ((0.80, 0.90, 0.95), 0.90),
    Lesion.MEL: ((0.80, 0.90, 0.95), 0.80),
}
EVIDENCE: Final = {
    Lesion.BCC: "diagnoses of HAM10000, where histology confirmed every BCC, and of MILK10k, 96 % by histology",
    Lesion.SCC: "diagnoses of MILK10k, 96 % by histology; HAM10000 has no SCC",
    Lesion.MEL: "diagnoses of HAM10000 and MILK10k",
}


def malignant_targets(found: Outputs) -> dict[str, Target]:
    """BCC, SCC and melanoma by their codes. Raises ValueError where a type does not occur."""
    dermoscopic = found.from_sources(HAM, MILK)
    return {lesion.target: _target(dermoscopic, lesion) for lesion in MALIGNANT}


def _target(found: Outputs, lesion: Lesion) -> Target:
    logits, present = found.logits(lesion.target), found.shows(lesion)
    temperature, offset = fit_binary(logits, present)
    wanted, default = TARGETS[lesion]
    target = Target(
        code=lesion.target,
        evidence=EVIDENCE[lesion],
        temperature=temperature,
        offset=offset,
        operating_points=(OperatingPoint(default, 0.5, 0.0, 0.0),),
        default_sensitivity=default,
        place=place(found.maxima(lesion.target)[present]),
        prior=float(present.mean()),
        choice=_choice(found, present),
    )
    probability = target.probability(logits)
    points = tuple(_point(each, probability, present, found) for each in wanted)
    threshold = next(point.threshold for point in points if point.target_sensitivity == default)
    promises = tuple(
        promise(name, probability[rows] >= threshold, present[rows], found.group[rows])
        for name, rows in ((name, found.source == name) for name in (HAM, MILK))
        if rows.any()
    )
    return Target(**{**vars(target), "operating_points": points, "promises": promises})


def _point(target: float, probability: Floats, present: Flags, found: Outputs) -> OperatingPoint:
    threshold = min(
        bounded_threshold(target, probability[rows], present[rows], found.group[rows])
        for rows in _enough(found, present)
    )
    return OperatingPoint(target, threshold, *sensitivity_specificity(probability, present, threshold))


def _enough(found: Outputs, present: Flags) -> Iterator[Flags]:
    """All rows, and those of each collection with enough positives."""
    yield np.ones(len(present), np.bool_)
    each = [found.source == name for name in np.unique(found.source)]
    yield from (rows for rows in each if present[rows].sum() >= LEAST_POSITIVES)


def _choice(found: Outputs, present: Flags) -> str:
    names = [str(found.source[rows][0]) for rows in list(_enough(found, present))[1:]]
    return (
        "the highest threshold at which the sensitivity reaches its target in nine of ten bootstrap resamples of the "
        f"lesions, out of fold: on all together{''.join(f', and on {name} alone' for name in names)}"
    )


def bounded_threshold(target: float, scores: Floats, labels: Flags, group: Names) -> float:
    """The highest threshold whose sensitivity is `target` or more in `CONFIDENCE` of the resamples of the lesions.

    In a resample the target is reached at every threshold up to the resample's own, so that the bound is a quantile of
    those.
    """
    own = Bootstrap(group).resampled(threshold_at, target, scores, labels)
    return float(np.quantile(own[~np.isnan(own)], 1 - CONFIDENCE, method="lower"))


def threshold_at(target: float, scores: Floats, labels: Flags, weights: Floats) -> Floats:
    """(R,): the highest score from which on the sensitivity is `target` or more; NaN without positives."""
    order = np.argsort(-scores[labels], kind="stable")
    drawn = weights[:, labels][:, order]
    total = drawn.sum(axis=1, keepdims=True)
    reached = np.cumsum(drawn, axis=1) >= target * total - 1e-9
    return np.where(total[:, 0] > 0, scores[labels][order][reached.argmax(axis=1)], np.nan)


def promise(collection: str, called: Flags, present: Flags, group: Names) -> Promise:
    bootstrap = Bootstrap(group)
    return Promise(
        collection,
        measured(bootstrap.interval(metrics.share, called, present)),
        measured(bootstrap.interval(metrics.share, ~called, ~present)),
        int(present.sum()),
        int((~present).sum()),
    )


def measured(estimate: Estimate) -> Measured:
    return Measured(**estimate)
