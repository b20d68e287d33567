"""Pattern heads: logistic regressions on the pooled stages of a network that stays as it is.

Only means are used. A head that is linear in the means of several stages is, before pooling, a weighted sum of their
maps, so that Grad-CAM remains a closed form and gets as fine as the earliest stage (stride 8).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

Floats = npt.NDArray[np.float64]

# Inverse strength of the penalty on weights of standardised features.
STRENGTH: Final = 0.01
_STEPS: Final = 2000


@dataclass(frozen=True)
class Head:
    """logit = features · `weight` (F,) + `bias`, of the features as they come."""

    weight: Floats
    bias: float

    def logits(self, features: npt.NDArray[np.floating]) -> Floats:
        found: Floats = features @ self.weight + self.bias
        return found


def fit(features: npt.NDArray[np.floating], present: Floats, strength: float = STRENGTH) -> Head:
    """Fit (N, F) features to (N,) probabilities of presence.

    An image of probability p counts as p of a positive and 1 - p of a negative: cross-entropy with soft targets.
    """
    mean, deviation = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64) + 1e-6
    standard = (features - mean) / deviation
    rows = np.concatenate([standard, standard])
    labels = np.repeat([1, 0], len(present))
    weights = np.concatenate([present, 1 - present])
    counted = weights > 1e-3
    model = LogisticRegression(C=strength, max_iter=_STEPS)
    model.fit(rows[counted], labels[counted], sample_weight=weights[counted])
    weight = model.coef_[0] / deviation
    return Head(weight, float(model.intercept_[0] - mean @ weight))


def means(stages: Sequence[int], channels: Sequence[int], wanted: Sequence[int]) -> npt.NDArray[np.int64]:
    """Which columns of `ml.training.recipe.predictions` features are the means of the wanted stages.

    `channels` (one for each of `stages`): the columns are the mean, the maximum and the deviation of each in turn.
    """
    return np.concatenate(list(_columns(stages, channels, wanted)))


def _columns(stages: Sequence[int], channels: Sequence[int], wanted: Sequence[int]) -> Iterator[npt.NDArray[np.int64]]:
    start = 0
    for stage, count in zip(stages, channels, strict=True):
        if stage in wanted:
            yield np.arange(start, start + count)
        start += 3 * count
