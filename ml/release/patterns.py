"""The parts of a bundle with pattern heads: the novelty score, and the calibration and threshold of each pattern."""

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from ml.card import Card, Novelty, OperatingPoint, Target, calibrated
from ml.data.mixture import Parts, Portion
from ml.data.synthetic import Drawn
from ml.data.task2 import Isic2018Task2
from ml.engine import Engine
from ml.evaluation.predictions import Predictions, forward, predict
from ml.imaging.preprocessing import PreprocessingSpec
from ml.patterns import Pattern
from ml.training.activations import activations_of
from ml.training.calibration import Floats, Labels, fit_binary, operating_points, sensitivity_specificity
from ml.training.network import MultiTaskNet
from ml.training.novelty import COMPONENTS, NoveltyScore, fit

PN_EVIDENCE: Final = "expert labels: ISIC 2018 Task 2, no BCC among them"
SIX_EVIDENCE: Final = "synthetic + rule, not clinically validated"
NOVELTY_METHOD: Final = (
    "probabilistic principal components of the pooled features of the training images (64 components, Moghaddam & "
    "Pentland 1997); the threshold is the 98.5 % quantile of the validation images"
)
SIX_CHOICE: Final = (
    "chosen on validation: the same false-positive rate on real non-BCC for each of the six, set to satisfy “one of "
    "the six found in at least 90 % of BCC” and “in at most 15 % of non-BCC” by the widest margin"
)
KNOWN_QUANTILE: Final = 0.985
# Every n-th image of a source is enough.
STRIDE: Final = {"ham": 2, "structures": 1, "drawn": 4}
PN_SENSITIVITY: Final = 0.8
TARGET_IN_BCC: Final = 0.90
ALLOWED_IN_OTHERS: Final = 0.15


def known_images(network: MultiTaskNet, spec: PreprocessingSpec, parts: Parts) -> NoveltyScore:
    """Fit the novelty score to training images of every source at the resolution of a camera."""
    features = [
        activations_of(part.pixels[:: STRIDE[name]], network, network.depth, spec).numpy()
        for name, part in parts.items()
        if name in STRIDE
    ]
    known = np.concatenate(features)
    return fit(known, min(COMPONENTS, len(known) // 2))


def with_novelty(card: Card, known: Predictions) -> Card:
    """Set the threshold that 98.5 % of the validation images stay below."""
    threshold = float(np.quantile(known.novelty, KNOWN_QUANTILE))
    return replace(card, novelty=Novelty(threshold, NOVELTY_METHOD))


def pattern_targets(
    card: Card, engine: Engine, known: Predictions, marked: Isic2018Task2, portion: Portion, made: Drawn
) -> tuple[Target, ...]:
    """Calibrated targets of the seven patterns, in the card's order, fitted on validation images only."""
    records = portion.of(marked.records)
    network = np.array([marked.pigment_network(record) for record in records])
    on_marked = predict(engine, marked, records).pattern_logits
    on_drawn = forward(engine, made.pixels)["pattern_logits"]
    targets: dict[Pattern, Target] = {}
    for column, pattern in enumerate(card.patterns):
        if pattern is Pattern.PN:
            targets[pattern] = _pigment_network(on_marked[:, column], network)
        else:
            labels = made.patterns[:, list(Pattern).index(pattern)]
            known_rows: Labels = labels == labels  # NaN is unknown
            drawn = (on_drawn[known_rows, column], labels[known_rows] == 1)
            targets[pattern] = _one_of_six(pattern, *drawn, known.pattern_logits[~known.bcc, column])
    return tuple(_with_thresholds(card, targets, known).values())


def _pigment_network(logits: Floats, labels: Labels) -> Target:
    temperature, offset = fit_binary(logits, labels)
    points = operating_points(calibrated(logits, temperature, offset), labels, (0.7, PN_SENSITIVITY, 0.9))
    return Target(Pattern.PN.value, PN_EVIDENCE, temperature, offset, points, PN_SENSITIVITY)


def _one_of_six(pattern: Pattern, logits: Floats, labels: Labels, negatives: Floats) -> Target:
    """Calibrated on drawings and real non-BCC, which by the rule show none of the six; the threshold is set later."""
    scores = np.concatenate([logits, negatives])
    truth = np.concatenate([labels, np.zeros(len(negatives), np.bool_)])
    temperature, offset = fit_binary(scores, truth)
    probabilities = calibrated(logits, temperature, offset)
    placeholder = OperatingPoint(TARGET_IN_BCC, 0.5, *sensitivity_specificity(probabilities, labels, 0.5))
    return Target(pattern.value, SIX_EVIDENCE, temperature, offset, (placeholder,), TARGET_IN_BCC, SIX_CHOICE)


def _with_thresholds(card: Card, targets: dict[Pattern, Target], known: Predictions) -> dict[Pattern, Target]:
    six = [column for column, pattern in enumerate(card.patterns) if not pattern.is_negative_criterion]
    probabilities = np.stack(
        [targets[p].probability(known.pattern_logits[:, column]) for column, p in enumerate(card.patterns)], axis=1
    )
    thresholds = choose_thresholds(probabilities[:, six], known.bcc)
    chosen = dict(targets)
    for column, threshold in zip(six, thresholds, strict=True):
        pattern = card.patterns[column]
        rates = sensitivity_specificity(probabilities[:, column], known.bcc, threshold)
        chosen[pattern] = replace(
            targets[pattern], operating_points=(OperatingPoint(TARGET_IN_BCC, threshold, *rates),)
        )
    return chosen


def choose_thresholds(probabilities: Floats, bcc: Labels) -> list[float]:
    """K thresholds from the probabilities (N, K) of the six and the diagnoses (N,), chosen as `SIX_CHOICE` says."""
    best, chosen = -np.inf, probabilities.max(axis=0)
    for share in np.geomspace(0.001, 0.15, 120):
        thresholds: npt.NDArray[np.float64] = np.quantile(probabilities[~bcc], 1 - share, axis=0)
        found: Labels = np.any(probabilities >= thresholds, axis=1)
        in_bcc, in_others = float(found[bcc].mean()), float(found[~bcc].mean())
        margin = min((in_bcc - TARGET_IN_BCC) / (1 - TARGET_IN_BCC), 1 - in_others / ALLOWED_IN_OTHERS)
        if margin > best:
            best, chosen = margin, thresholds
    return [float(threshold) for threshold in chosen]
