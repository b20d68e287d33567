"""How good a bundle is, measured through the very engine that serves it, with intervals over lesions."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score
from tqdm import tqdm

from ml.calibration import calibrated, expected_calibration_error, sensitivity_specificity
from ml.card import Card, OperatingPoint
from ml.datasets import Record
from ml.engine import Engine
from ml.examples import LESIONS
from ml.preprocessing import prepare
from ml.quality import assess

RESAMPLES: Final = 1000
_BATCH: Final = 32

Indices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Photographs(Protocol):
    """A data set that gives the picture of a record."""

    def image(self, record: Record) -> Image.Image: ...


@dataclass(frozen=True)
class Predictions:
    """Raw answers for N images: bcc (N,) and lesion (N, 7) logits, beside what the records say.

    `pattern_logits` (N, P) as the card's patterns; `novelty` (N,) distances and `unfamiliar` (N,) what the card makes
    of them: False throughout for a bundle without such a test.
    """

    records: tuple[Record, ...]
    bcc_logits: npt.NDArray[np.float64]
    lesion_logits: npt.NDArray[np.float64]
    flagged: npt.NDArray[np.bool_]
    pattern_logits: Floats = field(default_factory=lambda: np.empty((0, 0)))
    novelty: Floats = field(default_factory=lambda: np.empty(0))
    unfamiliar: npt.NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, np.bool_))

    @property
    def bcc(self) -> npt.NDArray[np.bool_]:
        return np.array([record.bcc for record in self.records])

    @property
    def lesion(self) -> Indices:
        return np.array([LESIONS.index(record.lesion) for record in self.records])

    @property
    def groups(self) -> Indices:
        """Lesion of each image, as indices from 0."""
        indices: Indices = np.unique([record.group for record in self.records], return_inverse=True)[1]
        return indices


def predict(engine: Engine, data: Photographs, records: Sequence[Record]) -> Predictions:
    """Run every image through decoding, quality, preprocessing and the graph."""
    card = engine.bundle.card
    outputs, flagged = [], []
    for start in tqdm(range(0, len(records), _BATCH), desc="predicting", leave=False, mininterval=2):
        images = [data.image(record) for record in records[start : start + _BATCH]]
        flagged += [not assess(image, card.quality).acceptable for image in images]
        outputs.append(engine.forward(np.stack([prepare(image, card.preprocessing) for image in images])))
    joined = {name: np.concatenate([output[name] for output in outputs]).astype(np.float64) for name in outputs[0]}
    return Predictions(
        tuple(records),
        joined["bcc_logit"][:, 0],
        joined["lesion_logits"],
        np.array(flagged),
        joined.get("pattern_logits", np.empty((len(records), 0))),
        joined.get("novelty", np.zeros((len(records), 1)))[:, 0],
        unfamiliar(joined, card),
    )


def unfamiliar(outputs: dict[str, Floats], card: Card) -> npt.NDArray[np.bool_]:
    """For the graph's outputs of N images: which the card's threshold calls unfamiliar."""
    if card.novelty is None:
        return np.zeros(len(outputs["bcc_logit"]), np.bool_)
    found: npt.NDArray[np.bool_] = outputs["novelty"][:, 0] > card.novelty.threshold
    return found


def measure(predictions: Predictions, card: Card, resamples: int | None = None, seed: int = 1) -> dict[str, Any]:
    """Every figure as {value, low, high}: the interval is the 95 % bootstrap over lesions, not over images."""
    probabilities = calibrated(predictions.bcc_logits, card.bcc.temperature, card.bcc.offset)
    labels, lesion, guess = predictions.bcc, predictions.lesion, predictions.lesion_logits.argmax(axis=1)
    interval = intervals(predictions.groups, labels, resamples, seed)

    def operating_point(point: OperatingPoint) -> dict[str, Any]:
        def rates(i: Indices) -> tuple[float, float]:
            return sensitivity_specificity(probabilities[i], labels[i], point.threshold)

        return {
            "wanted": point.wanted,
            "threshold": point.threshold,
            "sensitivity": interval(lambda i: rates(i)[0]),
            "specificity": interval(lambda i: rates(i)[1]),
        }

    return {
        "images": len(labels),
        "lesions": int(predictions.groups.max()) + 1,
        "bcc_images": int(labels.sum()),
        "bcc_lesions": len(set(predictions.groups[labels].tolist())),
        "auc": interval(lambda i: float(roc_auc_score(labels[i], probabilities[i]))),
        "average_precision": interval(lambda i: float(average_precision_score(labels[i], probabilities[i]))),
        "ece": interval(lambda i: expected_calibration_error(probabilities[i], labels[i])),
        "operating_points": [operating_point(point) for point in card.bcc.operating_points],
        "lesion_accuracy": interval(lambda i: float((guess[i] == lesion[i]).mean())),
        "lesion_macro_f1": interval(
            lambda i: float(f1_score(lesion[i], guess[i], labels=range(len(LESIONS)), average="macro", zero_division=0))
        ),
        "flagged_by_quality": int(predictions.flagged.sum()),
    }


Interval = Callable[[Callable[[Indices], float]], dict[str, float]]


def intervals(groups: Indices, labels: npt.NDArray[np.bool_], resamples: int | None = None, seed: int = 1) -> Interval:
    """A function that gives any figure its 95 % bootstrap interval over `groups`; a draw has both labels."""
    draws = [i for i in _resampled(groups, resamples or RESAMPLES, seed) if labels[i].any() and not labels[i].all()]

    def interval(figure: Callable[[Indices], float]) -> dict[str, float]:
        low, high = np.nanpercentile([figure(draw) for draw in draws], [2.5, 97.5])
        return {"value": figure(np.arange(len(labels))), "low": float(low), "high": float(high)}

    return interval


def _resampled(groups: Indices, resamples: int, seed: int) -> list[Indices]:
    """Image indices of lesions drawn with replacement, all images of a lesion together."""
    generator = np.random.default_rng(seed)
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1])
    return [
        np.concatenate([members[group] for group in generator.integers(len(members), size=len(members))])
        for _ in range(resamples)
    ]
