"""How good the pattern heads are: on expert labels, on unseen drawings, and by the clinical rule on real images."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from ml.card import Card
from ml.data.examples import normalise
from ml.data.synthetic import Drawn
from ml.engine import Engine
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.diagnosis import Predictions, detection
from ml.evaluation.metrics import Flags, Floats
from ml.patterns import Pattern, clinical_rule

# What an image shows, in the paper's coding: pigment network first, as in the clinical rule.
CODING: Final = ("no pattern", "pigment network", "any BCC pattern")
_BATCH: Final = 32


@dataclass(frozen=True, eq=False)
class DrawnAnswers:
    """Drawings beside what the engine said of them: (N, P) logits, (N, 1 + P, h, w) raw heatmaps, (N,) flags."""

    drawn: Drawn
    pattern_logits: Floats
    cams: npt.NDArray[np.float32]
    unfamiliar: Flags

    @classmethod
    def ask(cls, engine: Engine, drawn: Drawn) -> "DrawnAnswers":
        outputs = forward(engine, drawn.pixels)
        novelty = outputs.get("novelty", np.zeros((len(drawn.pixels), 1)))[:, 0]
        unfamiliar = engine.bundle.card.unfamiliar(novelty)
        return cls(drawn, outputs["pattern_logits"], outputs["cams"].astype(np.float32), unfamiliar)

    def labels(self, pattern: Pattern) -> npt.NDArray[np.float32]:
        """1 present, 0 absent, NaN unknown: (N,)."""
        labels: npt.NDArray[np.float32] = self.drawn.patterns[:, list(Pattern).index(pattern)]
        return labels


def on_expert_labels(known: Predictions, network: Flags, card: Card, resamples: int | None = None) -> dict[str, Any]:
    """Pigment network on ISIC 2018 Task 2: `network` (N,) is whether the experts marked it."""
    column = card.patterns.index(Pattern.PN)
    scores = pattern_probabilities(card, known.pattern_logits)[:, column]
    return {
        "images": len(network),
        "positives": int(network.sum()),
        **detection(scores, network, card.targets[1 + column].threshold, Bootstrap(known.groups, resamples)),
        "unfamiliar": int(known.unfamiliar.sum()),
    }


def on_drawings(answers: DrawnAnswers, card: Card, resamples: int | None = None) -> dict[str, Any]:
    """Each assessed pattern that is both present and absent among the drawings, and the mean area under the curve."""
    probabilities = pattern_probabilities(card, answers.pattern_logits)
    columns = {p: k for k, p in enumerate(card.patterns) if {0.0, 1.0} <= set(answers.labels(p).tolist())}

    def row(pattern: Pattern, column: int) -> dict[str, Any]:
        rows, labels = _known(answers.labels(pattern))
        threshold = card.targets[1 + column].threshold
        figures = detection(probabilities[rows, column], labels, threshold, Bootstrap(np.flatnonzero(rows), resamples))
        return {"images": len(labels), "positives": int(labels.sum()), **figures}

    def macro_auc(weights: Floats) -> Floats:
        areas = []
        for pattern, column in columns.items():
            rows, labels = _known(answers.labels(pattern))
            areas.append(metrics.roc_auc(answers.pattern_logits[rows, column], labels, weights[:, rows]))
        mean: Floats = np.mean(areas, axis=0)
        return mean

    return {
        "images": len(answers.unfamiliar),
        "macro_auc": Bootstrap(range(len(answers.unfamiliar)), resamples).interval(macro_auc),
        "patterns": {pattern.value: row(pattern, column) for pattern, column in columns.items()},
        "unfamiliar": int(answers.unfamiliar.sum()),
    }


def by_the_rule(known: Predictions, card: Card, resamples: int | None = None) -> dict[str, Any]:
    """On real images with a known diagnosis: what of the six is found, where PN is found, what the rule then says."""
    found, bcc, bootstrap = present(card, known.pattern_logits), known.bcc, Bootstrap(known.groups, resamples)
    verdicts = [clinical_rule(dict(zip(card.patterns, row, strict=True))).bcc for row in found.tolist()]
    flags: dict[str, Flags] = {
        "any_of_six": _any_of_six(card, found),
        "network": found[:, card.patterns.index(Pattern.PN)],
        "rule_right": np.array(verdicts, np.bool_) == bcc,
    }
    return {
        **{
            f"{name}_in_{group}": bootstrap.interval(metrics.share, flag, among)
            for name, flag in flags.items()
            for group, among in (("bcc", bcc), ("non_bcc", ~bcc))
        },
        "found_in_bcc": {p.value: float(found[bcc, k].mean()) for k, p in enumerate(card.patterns)},
        "found_in_non_bcc": {p.value: float(found[~bcc, k].mean()) for k, p in enumerate(card.patterns)},
    }


def coding(
    known: Predictions, marked: Predictions, network: Flags, card: Card, resamples: int | None = None
) -> dict[str, Any]:
    """How often `CODING` is right on real images, where it can be known, and what is answered instead.

    By the paper's rule a BCC shows a BCC pattern, and experts marked the network of images of which none is a BCC. Of
    other images without BCC it is not known whether they show a network: they are not counted.
    """
    truth = np.concatenate([np.full(int(known.bcc.sum()), 2), network.astype(int)])
    answers = np.concatenate([_coded(card, known.pattern_logits[known.bcc]), _coded(card, marked.pattern_logits)])
    lesions = [group for group, bcc in zip(known.groups, known.bcc, strict=True) if bcc]
    bootstrap = Bootstrap([*lesions, *marked.groups], resamples)
    return {
        "correct": {name: bootstrap.interval(metrics.share, answers == k, truth == k) for k, name in enumerate(CODING)},
        "confusion": {
            "names": list(CODING),
            "rows": [[int(((truth == i) & (answers == j)).sum()) for j in range(3)] for i in range(3)],
        },
    }


def present(card: Card, logits: Floats) -> Flags:
    """(N, P) logits → which patterns reach their default threshold."""
    found: Flags = pattern_probabilities(card, logits) >= [target.threshold for target in card.targets[1:]]
    return found


def pattern_probabilities(card: Card, logits: Floats) -> Floats:
    """(N, P) logits → calibrated probabilities."""
    return np.stack([target.probability(logits[:, k]) for k, target in enumerate(card.targets[1:])], axis=1)


def forward(engine: Engine, pixels: npt.NDArray[np.uint8]) -> dict[str, Floats]:
    """The graph's outputs for (N, S, S, 3) pictures at the network's size."""
    spec = engine.bundle.card.preprocessing
    parts: list[dict[str, npt.NDArray[np.float32]]] = []
    for start in range(0, len(pixels), _BATCH):
        images = torch.from_numpy(pixels[start : start + _BATCH]).permute(0, 3, 1, 2).float()
        parts.append(engine.forward(normalise(images, spec).contiguous().numpy()))
    return {name: np.concatenate([part[name] for part in parts]).astype(np.float64) for name in parts[0]}


def _known(labels: npt.NDArray[np.float32]) -> tuple[Flags, Flags]:
    """Which rows have a label (N,), and the labels of those (K,)."""
    rows: Flags = ~np.isnan(labels)
    return rows, labels[rows] == 1


def _any_of_six(card: Card, found: Flags) -> Flags:
    six: Flags = np.any(found[:, [k for k, p in enumerate(card.patterns) if not p.is_negative_criterion]], axis=1)
    return six


def _coded(card: Card, logits: Floats) -> npt.NDArray[np.integer]:
    """Index into `CODING` of each of N images."""
    found = present(card, logits)
    return np.where(found[:, card.patterns.index(Pattern.PN)], 1, np.where(_any_of_six(card, found), 2, 0))
