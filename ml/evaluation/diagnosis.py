"""BCC and lesion type, measured through the engine that serves them."""

from typing import Any, Final

from ml.card import Card, OperatingPoint
from ml.data.examples import LESIONS
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.metrics import Flags, Floats
from ml.evaluation.predictions import Predictions
from ml.evaluation.table_3 import detection

SENSITIVITY: Final = 0.95  # at which the specificity is read off the ROC curve


def measure(known: Predictions, card: Card, resamples: int | None = None) -> dict[str, Any]:
    """Every figure as {value, low, high}; the intervals are over lesions (`Bootstrap`)."""
    probabilities, labels = card.bcc.probability(known.bcc_logits), known.bcc
    bootstrap = Bootstrap(known.groups, resamples)
    named, guesses = known.lesion >= 0, known.lesion_logits.argmax(axis=1)
    return {
        "images": len(labels),
        "lesions": len(set(known.groups)),
        "bcc_images": int(labels.sum()),
        "bcc_lesions": len({record.group for record in known.records if record.bcc}),
        **detection(probabilities, labels, card.bcc.threshold, bootstrap),
        "ece": bootstrap.interval(metrics.calibration_error, probabilities, labels),
        "specificity_at": {
            "sensitivity": SENSITIVITY,
            **bootstrap.interval(metrics.specificity_at, SENSITIVITY, probabilities, labels),
        },
        "operating_points": [_at(point, probabilities, labels, bootstrap) for point in card.bcc.operating_points],
        "lesion_accuracy": bootstrap.interval(metrics.share, guesses == known.lesion, named),
        "lesion_macro_f1": bootstrap.interval(
            lambda w: metrics.macro_f1(guesses[named], known.lesion[named], len(LESIONS), w[:, named])
        ),
        "flagged_by_quality": int(known.flagged.sum()),
    }


def _at(point: OperatingPoint, probabilities: Floats, labels: Flags, bootstrap: Bootstrap) -> dict[str, Any]:
    called: Flags = probabilities >= point.threshold
    return {
        "target_sensitivity": point.target_sensitivity,
        "threshold": point.threshold,
        "sensitivity": bootstrap.interval(metrics.share, called, labels),
        "specificity": bootstrap.interval(metrics.share, ~called, ~labels),
    }
