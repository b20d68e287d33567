"""Calibration of raw scores, and the operating points chosen on the calibrated probabilities.

Temperature scaling (Guo et al., arXiv 1706.04599) plus an offset, together Platt scaling: training oversamples rare
lesions, which shifts every logit, and a temperature alone cannot undo a shift. `ml.card.calibrated` applies the result.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax

from ml.card import OperatingPoint

TARGET_SENSITIVITIES: Final = (0.90, 0.95, 0.98)

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]


def fit_binary(logits: Floats, labels: Labels) -> tuple[float, float]:
    """Temperature and offset that minimise the negative log-likelihood. Raises ValueError if a class is missing."""
    if labels.all() or not labels.any():
        raise ValueError("Calibration needs positives and negatives.")

    def nll(parameters: Floats) -> float:
        z = (logits + parameters[1]) / np.exp(parameters[0])
        return float(np.mean(np.logaddexp(0, z) - labels * z))

    log_temperature, offset = minimize(nll, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-9}).x
    return float(np.exp(log_temperature)), float(offset)


def fit_temperature(logits: Floats, classes: npt.NDArray[np.integer]) -> float:
    """Temperature for exclusive classes: logits (N, K), class indices (N,)."""

    def nll(log_temperature: float) -> float:
        shares = log_softmax(logits / np.exp(log_temperature), axis=1)
        return -float(np.mean(shares[np.arange(len(classes)), classes]))

    return float(np.exp(minimize_scalar(nll, bounds=(-3, 3), method="bounded").x))


def operating_points(
    probabilities: Floats, labels: Labels, targets: Sequence[float] = TARGET_SENSITIVITIES
) -> tuple[OperatingPoint, ...]:
    """For each target sensitivity the highest threshold that reaches it; a score equal to it counts as positive."""
    positives = np.sort(probabilities[labels])[::-1]
    points = []
    for target in targets:
        threshold = float(positives[int(np.ceil(target * len(positives) - 1e-9)) - 1])
        points.append(OperatingPoint(target, threshold, *sensitivity_specificity(probabilities, labels, threshold)))
    return tuple(points)


def sensitivity_specificity(probabilities: Floats, labels: Labels, threshold: float) -> tuple[float, float]:
    called = probabilities >= threshold
    return float(called[labels].mean()), float((~called[~labels]).mean())
