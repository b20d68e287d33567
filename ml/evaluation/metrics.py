"""Diagnostic figures as functions of image weights, so that a thousand resamples are a few matrix products.

Every function takes `weights` (R, N) ≥ 0, how often each of N images counts in each of R resamples, and returns (R,):
NaN where the figure is undefined, such as recall without positives. `labels`, `called`: (N,) bool.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

CALIBRATION_BINS: Final = 15

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Classes = npt.NDArray[np.integer]


def count(among: Flags, weights: Floats) -> Floats:
    counted: Floats = weights @ among
    return counted


def share(hits: Flags, among: Flags, weights: Floats) -> Floats:
    """The share of `among` that are `hits`: recall is share(called, labels), precision share(labels, called)."""
    return _ratio(weights @ (hits & among), weights @ among)


def f1(called: Flags, labels: Flags, weights: Floats) -> Floats:
    """Harmonic mean of precision and recall."""
    return _ratio(2 * (weights @ (called & labels)), weights @ called + weights @ labels)


def macro_f1(guesses: Classes, classes: Classes, number: int, weights: Floats) -> Floats:
    """Mean F1 of the classes 0 … number - 1; 0 for a class that neither occurs nor is predicted."""
    each = [f1(guesses == one, classes == one, weights) for one in range(number)]
    mean: Floats = np.nan_to_num(np.stack(each)).mean(axis=0)
    return mean


def roc_auc(scores: Floats, labels: Flags, weights: Floats) -> Floats:
    """The chance that a positive scores above a negative; a tie counts half."""
    positives, negatives = _by_score(scores, labels, weights)
    above = np.cumsum(positives, axis=1) - positives / 2  # descending scores: positives above each negative
    return _ratio((negatives * above).sum(axis=1), positives.sum(axis=1) * negatives.sum(axis=1))


def average_precision(scores: Floats, labels: Flags, weights: Floats) -> Floats:
    """Precision at each distinct score, weighted by the recall gained there."""
    positives, negatives = _by_score(scores, labels, weights)
    found = np.cumsum(positives, axis=1)
    precision = np.nan_to_num(_ratio(found, found + np.cumsum(negatives, axis=1)))
    return _ratio((positives * precision).sum(axis=1), positives.sum(axis=1))


def specificity_at(sensitivity: float, scores: Floats, labels: Flags, weights: Floats) -> Floats:
    """The highest specificity on the ROC curve with at least this sensitivity."""
    positives, negatives = _by_score(scores, labels, weights)
    reached = _ratio(np.cumsum(positives, axis=1), positives.sum(axis=1, keepdims=True)) >= sensitivity - 1e-9
    false_alarms = np.cumsum(negatives, axis=1)[np.arange(len(weights)), reached.argmax(axis=1)]
    specificity = 1 - _ratio(false_alarms, negatives.sum(axis=1))
    return np.where(reached.any(axis=1), specificity, np.nan)


def calibration_error(probabilities: Floats, labels: Flags, weights: Floats, bins: int = CALIBRATION_BINS) -> Floats:
    """Mean over equal-width bins, weighted by size, of |observed frequency - mean probability|."""
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    gaps = weights @ ((index[:, None] == np.arange(bins)) * (labels - probabilities)[:, None])
    return _ratio(np.abs(gaps).sum(axis=1), weights.sum(axis=1))


def _by_score(scores: Floats, labels: Flags, weights: Floats) -> tuple[Floats, Floats]:
    """Total weight of the positives and of the negatives at each distinct score, highest first: (R, K) each."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    drawn, positive = weights[:, order], labels[order]
    return np.add.reduceat(drawn * positive, starts, axis=1), np.add.reduceat(drawn * ~positive, starts, axis=1)


def _ratio(part: Floats, whole: Floats) -> Floats:
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio: Floats = np.where(whole > 0, part / whole, np.nan)
    return ratio
