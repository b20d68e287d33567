"""Dermoscopic, clinical or neither: a logistic regression on frozen features, so that the gate costs serving nothing.

It learns from pairs of the same lesion (MILK10k's two photographs), other dermoscopic images, and pictures of anything
else, all shrunk to one size: close-ups are small in that set, and size must not be what tells. Dermoscopic images are
learnt as they come, too, which is how they are judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from ml.patterns import Modality

Floats = npt.NDArray[np.float64]
STRENGTH: Final = 0.01
# Dermoscopic images that the gate may send to a person.
FALSE_ALARMS: Final = 0.02
MODALITIES: Final = tuple(Modality)


@dataclass(frozen=True)
class Gate:
    """log-odds of each modality = features · `weight` (F, 3) + `bias` (3,)."""

    weight: Floats
    bias: Floats

    def probabilities(self, features: npt.NDArray[np.floating]) -> Floats:
        """(N, F) → (N, 3), in the order of `MODALITIES`."""
        return probabilities(features @ self.weight + self.bias)


def probabilities(logits: npt.NDArray[np.floating]) -> Floats:
    """(N, 3) → (N, 3), in the order of `MODALITIES`."""
    found: Floats = np.exp(log_softmax(logits.astype(np.float64), axis=1))
    return found


def fit(features: npt.NDArray[np.floating], modality: Sequence[Modality], strength: float = STRENGTH) -> Gate:
    """Every modality weighs the same, however many pictures there are of it. All three must occur."""
    mean, deviation = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64) + 1e-6
    classes = [MODALITIES.index(one) for one in modality]
    model = LogisticRegression(C=strength, max_iter=2000, class_weight="balanced")
    model.fit((features - mean) / deviation, classes)
    weight = (model.coef_ / deviation).T
    return Gate(weight, model.intercept_ - mean @ weight)


def threshold(dermoscopic: Floats, false_alarms: float = FALSE_ALARMS) -> float:
    """Below which probability of dermoscopy a person is asked: at most that share of (N,) dermoscopic images is."""
    allowed = int(false_alarms * len(dermoscopic))
    return float(np.sort(dermoscopic)[allowed])
