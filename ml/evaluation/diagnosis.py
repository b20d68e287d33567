"""How good a bundle is at BCC and lesion type, measured through the very engine that serves it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from ml.card import Card, OperatingPoint
from ml.data.examples import LESIONS
from ml.data.records import Photographs, Record
from ml.engine import Engine
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.metrics import Flags, Floats
from ml.imaging.preprocessing import prepare
from ml.imaging.quality import assess

SENSITIVITY: Final = 0.95  # at which the specificity is read off the ROC curve
_BATCH: Final = 32


@dataclass(frozen=True)
class Predictions:
    """Raw answers for N images: bcc (N,) and lesion (N, 7) logits, beside what the records say.

    `pattern_logits` (N, P) as the card's patterns; `novelty` (N,) distances and `unfamiliar` (N,) what the card makes
    of them: False throughout for a bundle without such a test; `cams` (N, 1 + P, h, w) raw heatmaps ≥ 0.
    """

    records: tuple[Record, ...]
    bcc_logits: Floats
    lesion_logits: Floats
    flagged: Flags
    pattern_logits: Floats = field(default_factory=lambda: np.empty((0, 0)))
    novelty: Floats = field(default_factory=lambda: np.empty(0))
    unfamiliar: Flags = field(default_factory=lambda: np.empty(0, np.bool_))
    cams: npt.NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0, 0, 0), np.float32))

    @property
    def bcc(self) -> Flags:
        return np.array([record.bcc for record in self.records], np.bool_)

    @property
    def lesion(self) -> npt.NDArray[np.int64]:
        """Index into `LESIONS`; -1 for a type that is not among them."""
        return np.array([LESIONS.index(r.lesion) if r.lesion in LESIONS else -1 for r in self.records], np.int64)

    @property
    def groups(self) -> list[str]:
        """The lesion of each image."""
        return [record.group for record in self.records]


def predict(engine: Engine, data: Photographs, records: Sequence[Record]) -> Predictions:
    """Run every image through decoding, quality, preprocessing and the graph, once."""
    card = engine.bundle.card
    outputs, flagged = [], []
    for start in tqdm(range(0, len(records), _BATCH), desc="predicting", leave=False, mininterval=2):
        images = [data.image(record) for record in records[start : start + _BATCH]]
        flagged += [not assess(image, card.quality).acceptable for image in images]
        outputs.append(engine.forward(np.stack([prepare(image, card.preprocessing) for image in images])))
    cams = np.concatenate([output["cams"] for output in outputs])
    joined = {
        name: np.concatenate([output[name] for output in outputs]).astype(np.float64)
        for name in outputs[0].keys() - {"cams", "features"}
    }
    novelty = joined.get("novelty", np.zeros((len(records), 1)))[:, 0]
    return Predictions(
        tuple(records),
        joined["bcc_logit"][:, 0],
        joined["lesion_logits"],
        np.array(flagged, np.bool_),
        joined.get("pattern_logits", np.empty((len(records), 0))),
        novelty,
        card.unfamiliar(novelty),
        cams,
    )


def measure(known: Predictions, card: Card, resamples: int | None = None) -> dict[str, Any]:
    """BCC and lesion type, every figure as {value, low, high}: `Bootstrap` over lesions."""
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


def detection(scores: Floats, labels: Flags, threshold: float, bootstrap: Bootstrap) -> dict[str, Any]:
    """A row of the paper's Table 3: everything about one finding, called from `threshold` upwards."""
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


def _at(point: OperatingPoint, probabilities: Floats, labels: Flags, bootstrap: Bootstrap) -> dict[str, Any]:
    called: Flags = probabilities >= point.threshold
    return {
        "wanted": point.wanted,
        "threshold": point.threshold,
        "sensitivity": bootstrap.interval(metrics.share, called, labels),
        "specificity": bootstrap.interval(metrics.share, ~called, ~labels),
    }
