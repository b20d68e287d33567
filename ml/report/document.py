"""Everything the report shows, as one JSON document."""

from collections.abc import Mapping, Sequence
from typing import Any

from ml.calibration import calibrated
from ml.card import Card
from ml.evaluation import Predictions, measure
from ml.report.curves import confusion, precision_recall, reliability, roc


def document(
    predictions: Predictions,
    card: Card,
    split: str,
    alignment: Mapping[str, Any] | None = None,
    backbones: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Figures and curves of one bundle on one split, with `ml.alignment.table` and `ml.backbones.table` where given."""
    probabilities = calibrated(predictions.bcc_logits, card.bcc.temperature, card.bcc.offset)
    guess = predictions.lesion_logits.argmax(axis=1)
    return {
        "bundle": card.reference,
        "split": split,
        "notice": card.notice,
        "figures": measure(predictions, card),
        "roc": roc(probabilities, predictions.bcc),
        "precision_recall": precision_recall(probabilities, predictions.bcc),
        "reliability": reliability(probabilities, predictions.bcc),
        "confusion": confusion(predictions.lesion.tolist(), guess.tolist(), [lesion.value for lesion in card.lesions]),
        "alignment": dict(alignment or {}),
        "backbones": [dict(row) for row in backbones],
    }
