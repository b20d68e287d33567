"""What the engine predicts for the images it is measured on: photographs take the serving path, drawings the graph."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from ml.card import Card
from ml.data.examples import LESIONS, normalise
from ml.data.records import Photographs, Record
from ml.data.synthetic import Drawn
from ml.engine import Engine
from ml.evaluation.metrics import Flags, Floats
from ml.imaging.preprocessing import prepare
from ml.imaging.quality import assess
from ml.patterns import Pattern

_BATCH: Final = 32


@dataclass(frozen=True)
class Predictions:
    """Raw outputs for N images, with their records: logits of BCC (N,) and lesion type (N, 7), quality flags (N,).

    `pattern_logits` (N, P) in the card's order; `novelty` (N,) distances and `unfamiliar` (N,), those above the card's
    threshold, all False for a bundle without that test; `cams` (N, 1 + P, h, w) raw heatmaps ≥ 0.
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
    joined = _joined(outputs)
    novelty = _novelty(joined, len(records))
    return Predictions(
        tuple(records),
        joined["bcc_logit"][:, 0],
        joined["lesion_logits"],
        np.array(flagged, np.bool_),
        joined.get("pattern_logits", np.empty((len(records), 0))),
        novelty,
        card.unfamiliar(novelty),
        joined["cams"].astype(np.float32),
    )


@dataclass(frozen=True, eq=False)
class DrawnPredictions:
    """N drawings with the engine's outputs: `pattern_logits` (N, P), `cams` (N, 1 + P, h, w) raw, `unfamiliar` (N,)."""

    drawn: Drawn
    pattern_logits: Floats
    cams: npt.NDArray[np.float32]
    unfamiliar: Flags

    @classmethod
    def of(cls, engine: Engine, drawn: Drawn) -> Self:
        outputs = forward(engine, drawn.pixels)
        unfamiliar = engine.bundle.card.unfamiliar(_novelty(outputs, len(drawn.pixels)))
        return cls(drawn, outputs["pattern_logits"], outputs["cams"].astype(np.float32), unfamiliar)

    def labels(self, pattern: Pattern) -> npt.NDArray[np.float32]:
        """1 present, 0 absent, NaN unknown: (N,)."""
        labels: npt.NDArray[np.float32] = self.drawn.patterns[:, list(Pattern).index(pattern)]
        return labels


def forward(engine: Engine, pixels: npt.NDArray[np.uint8]) -> dict[str, Floats]:
    """The graph's outputs for (N, S, S, 3) images that already have the network's size."""
    spec = engine.bundle.card.preprocessing
    parts = []
    for start in range(0, len(pixels), _BATCH):
        images = torch.from_numpy(pixels[start : start + _BATCH]).permute(0, 3, 1, 2).float()
        parts.append(engine.forward(normalise(images, spec).contiguous().numpy()))
    return _joined(parts)


def pattern_probabilities(card: Card, logits: Floats) -> Floats:
    """(N, P) logits → calibrated probabilities."""
    return np.stack([target.probability(logits[:, k]) for k, target in enumerate(card.targets[1:])], axis=1)


def present(card: Card, logits: Floats) -> Flags:
    """(N, P) logits → which patterns reach their default threshold."""
    found: Flags = pattern_probabilities(card, logits) >= [target.threshold for target in card.targets[1:]]
    return found


def _joined(parts: Sequence[dict[str, npt.NDArray[np.float32]]]) -> dict[str, Floats]:
    return {
        name: np.concatenate([part[name] for part in parts]).astype(np.float64)
        for name in parts[0].keys() - {"features"}
    }


def _novelty(outputs: dict[str, Floats], count: int) -> Floats:
    return outputs["novelty"][:, 0] if "novelty" in outputs else np.zeros(count)
