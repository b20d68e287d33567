"""How good the pattern heads and the abstention are: on expert labels, on unseen drawings, and by the clinical rule."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from sklearn.metrics import roc_auc_score

from ml.calibration import calibrated
from ml.card import Card
from ml.datasets import Ham10000, Split, split_by_lesion
from ml.engine import Engine
from ml.evaluation import Floats, Indices, Predictions, intervals, predict, unfamiliar
from ml.examples import normalise
from ml.patterns import Pattern, clinical_rule
from ml.preprocessing import prepare
from ml.quality import assess
from ml.strangers import strangers
from ml.structures import Isic2018Task2
from ml.synthetic import Drawn, grafts, phantoms

DRAWN_RESAMPLES: Final = 300  # seven areas each
_BATCH: Final = 32
Flags = npt.NDArray[np.bool_]


def on_expert_labels(
    engine: Engine, marked: Isic2018Task2, split: Split, resamples: int | None = None
) -> dict[str, Any]:
    """Pigment network on ISIC 2018 Task 2."""
    card = engine.bundle.card
    records = split_by_lesion(marked.records, card.data["seed"])[split]
    known = predict(engine, marked, records)
    labels = np.array([marked.pigment_network(record) for record in records])
    column = card.patterns.index(Pattern.PN)
    scores, called = known.pattern_logits[:, column], present(card, known.pattern_logits)[:, column]
    interval = intervals(known.groups, labels, resamples)
    return {
        "images": len(labels),
        "with_network": int(labels.sum()),
        "auc": interval(lambda i: float(roc_auc_score(labels[i], scores[i]))),
        "sensitivity": interval(lambda i: float(called[i][labels[i]].mean())),
        "specificity": interval(lambda i: float((~called[i])[~labels[i]].mean())),
        "unfamiliar": int(known.unfamiliar.sum()),
    }


def on_drawings(engine: Engine, drawn: Drawn, resamples: int | None = None) -> dict[str, Any]:
    """Each pattern and their mean on phantoms or grafts; the interval is over images."""
    card = engine.bundle.card
    outputs = forward(engine, drawn.pixels)
    scores, called = outputs["pattern_logits"], present(card, outputs["pattern_logits"])
    columns = [list(Pattern).index(pattern) for pattern in card.patterns]
    labels = drawn.patterns[:, columns]
    usable = [k for k in range(len(columns)) if {0.0, 1.0} <= set(labels[:, k].tolist())]

    def auc(i: Indices, k: int) -> float:
        known = i[~np.isnan(labels[i, k])]
        return float(roc_auc_score(labels[known, k], scores[known, k]))

    some: Flags = np.any(labels == 1, axis=1)
    interval = intervals(np.arange(len(labels)), some, resamples or DRAWN_RESAMPLES)
    rates = {card.patterns[k].value: _rates(called[:, k], labels[:, k]) for k in usable}
    return {
        "images": len(labels),
        "macro_auc": interval(lambda i: float(np.mean([auc(i, k) for k in usable]))),
        "patterns": {
            code: {"auc": auc(np.arange(len(labels)), k), "sensitivity": rates[code][0], "specificity": rates[code][1]}
            for k, code in ((k, card.patterns[k].value) for k in usable)
        },
        "unfamiliar": int(unfamiliar(outputs, card).sum()),
    }


def by_the_rule(known: Predictions, card: Card, resamples: int | None = None) -> dict[str, Any]:
    """On real images with a known diagnosis: what of the six is found, where PN is found, what the rule then says."""
    found = present(card, known.pattern_logits)
    six: Flags = np.any(found[:, [k for k, p in enumerate(card.patterns) if not p.is_negative_criterion]], axis=1)
    network = found[:, card.patterns.index(Pattern.PN)]
    verdicts = [clinical_rule(dict(zip(card.patterns, row, strict=True))).bcc for row in found.tolist()]
    bcc = known.bcc
    right: Flags = np.array(verdicts, np.bool_) == bcc
    interval = intervals(known.groups, bcc, resamples)
    return {
        "any_of_six_in_bcc": interval(lambda i: float(six[i][bcc[i]].mean())),
        "any_of_six_in_non_bcc": interval(lambda i: float(six[i][~bcc[i]].mean())),
        "network_in_bcc": interval(lambda i: float(network[i][bcc[i]].mean())),
        "network_in_non_bcc": interval(lambda i: float(network[i][~bcc[i]].mean())),
        "rule_right_in_bcc": interval(lambda i: float(right[i][bcc[i]].mean())),
        "rule_right_in_non_bcc": interval(lambda i: float(right[i][~bcc[i]].mean())),
        "found_in_bcc": {p.value: float(found[bcc, k].mean()) for k, p in enumerate(card.patterns)},
        "found_in_non_bcc": {p.value: float(found[~bcc, k].mean()) for k, p in enumerate(card.patterns)},
    }


def abstention(engine: Engine, known: Predictions, resamples: int | None = None) -> dict[str, Any]:
    """Share of real images that go to a person unanswered, and how many of each kind of stranger do."""
    card = engine.bundle.card
    interval = intervals(known.groups, known.bcc, resamples)
    either = known.unfamiliar | known.flagged
    kinds: dict[str, list[bool]] = {}
    for kind, image in strangers():
        kinds.setdefault(kind, []).append(_abstains(engine, image))
    everything = [answer for answers in kinds.values() for answer in answers]
    return {
        "real_unfamiliar": interval(lambda i: float(known.unfamiliar[i].mean())),
        "real_unfamiliar_bcc": interval(lambda i: float(known.unfamiliar[i][known.bcc[i]].mean())),
        "real_any_reason": interval(lambda i: float(either[i].mean())),
        "has_novelty_test": card.novelty is not None,
        "strangers": {kind: [sum(answers), len(answers)] for kind, answers in kinds.items()},
        "strangers_total": [sum(everything), len(everything)],
    }


def patterns_and_abstention(
    engine: Engine, known: Predictions, data: Ham10000, marked: Isic2018Task2 | None, split: Split, drawings: int
) -> dict[str, Any]:
    """Everything above that the bundle and the data at hand allow."""
    card = engine.bundle.card
    figures: dict[str, Any] = {"abstention": abstention(engine, known)}
    if not card.patterns:
        return figures
    figures["rule"] = by_the_rule(known, card)
    if marked is not None:
        figures["pigment_network"] = on_expert_labels(engine, marked, split)
    if drawings:
        records, spec = list(known.records), card.preprocessing
        figures["phantoms"] = on_drawings(engine, phantoms(split, drawings, spec))
        figures["grafts"] = on_drawings(engine, grafts(split, data, records, drawings, spec))
    return figures


def _rates(called: Flags, labels: npt.NDArray[np.float32]) -> tuple[float, float]:
    return float(called[labels == 1].mean()), float((~called[labels == 0]).mean())


def present(card: Card, logits: Floats) -> Flags:
    """(N, P) logits → which patterns reach their default threshold."""
    found = [
        calibrated(logits[:, k], target.temperature, target.offset) >= target.threshold
        for k, target in enumerate(card.targets[1:])
    ]
    return np.stack(found, axis=1)


def forward(engine: Engine, pixels: npt.NDArray[np.uint8]) -> dict[str, Floats]:
    """The graph's outputs for (N, S, S, 3) pictures at the network's size."""
    spec = engine.bundle.card.preprocessing
    parts: list[dict[str, npt.NDArray[np.float32]]] = []
    for start in range(0, len(pixels), _BATCH):
        images = torch.from_numpy(pixels[start : start + _BATCH]).permute(0, 3, 1, 2).float()
        parts.append(engine.forward(normalise(images, spec).contiguous().numpy()))
    return {name: np.concatenate([part[name] for part in parts]).astype(np.float64) for name in parts[0]}


def _abstains(engine: Engine, image: Image.Image) -> bool:
    card = engine.bundle.card
    outputs = engine.forward(prepare(image, card.preprocessing)[None])
    return not assess(image, card.quality).acceptable or bool(
        unfamiliar({name: values.astype(np.float64) for name, values in outputs.items()}, card)[0]
    )
