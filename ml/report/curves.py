"""The points of each chart from probabilities and truth, ready for JSON."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.metrics import precision_recall_curve, roc_curve

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.bool_]

POINTS: Final = 200
BINS: Final = 10
SENSITIVITIES: Final = (0.80, 0.90, 0.95, 0.98, 0.99)


def roc(probabilities: Floats, labels: Labels) -> dict[str, Any]:
    """x: 1 - specificity, y: sensitivity; `at`: the best specificity with at least each of `SENSITIVITIES`."""
    false_positive, true_positive, _ = roc_curve(labels, probabilities)
    at = [[target, float(1 - false_positive[true_positive >= target].min())] for target in SENSITIVITIES]
    return {**_thinned(false_positive, true_positive), "at": at}


def precision_recall(probabilities: Floats, labels: Labels) -> dict[str, Any]:
    """x: recall, y: precision; `at`: the best precision with at least each of `SENSITIVITIES`."""
    precision, recall, _ = precision_recall_curve(labels, probabilities)
    at = [[target, float(precision[recall >= target].max())] for target in SENSITIVITIES]
    # The last point, recall 0 and precision 1, is scikit-learn's convention, not a measurement.
    return {**_thinned(recall[:-1][::-1], precision[:-1][::-1]), "at": at, "prevalence": float(labels.mean())}


def reliability(probabilities: Floats, labels: Labels, bins: int = BINS) -> list[dict[str, float]]:
    """Mean probability, observed frequency and number of images in each equal-width bin that is not empty."""
    index = np.minimum((probabilities * bins).astype(int), bins - 1)
    return [
        {
            "low": chosen / bins,
            "high": (chosen + 1) / bins,
            "mean": float(probabilities[index == chosen].mean()),
            "observed": float(labels[index == chosen].mean()),
            "images": int((index == chosen).sum()),
        }
        for chosen in np.unique(index).tolist()
    ]


def _thinned(x: Floats, y: Floats) -> dict[str, list[float]]:
    kept = np.unique(np.linspace(0, len(x) - 1, min(len(x), POINTS)).round().astype(int))
    return {"x": x[kept].round(5).tolist(), "y": y[kept].round(5).tolist()}
