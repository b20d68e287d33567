"""Calibration, thresholds and what the labels are worth, of the seven patterns: all on images that no head has seen.

The six of BCC are judged by the readings, weak labels that no dermatologist has checked (`ml.data.readings`); pigment
network only by the experts' marks of ISIC 2018 Task 2.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from ml.card import Labels, OperatingPoint, Target
from ml.data.collections import HAM, MARKED, MILK
from ml.data.readings import EVIDENCE
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.metrics import Flags, Floats
from ml.evaluation.outputs import Outputs
from ml.evaluation.pattern_heads import PATTERNS, SIX, PatternRow, PatternScores, any_of_six, within_bcc
from ml.patterns import BCC_PATTERNS, Lesion, Pattern
from ml.release.operating_points import measured
from ml.release.places import place
from ml.release.sources import Sources
from ml.training.calibration import fit_binary, sensitivity_specificity

PN_EVIDENCE: Final = "experts' marks of ISIC 2018 Task 2, with no BCC among its images"
IN_BCC: Final = 0.92  # of BCC with any of the six by the readings: one of those is called
IN_NAEVI: Final = 0.12  # of naevi: any of the six is called
PRECISION: Final = 0.75  # of a pattern that is called likely
PN_SENSITIVITY: Final = 0.80
SHARES: Final = np.geomspace(0.001, 0.2, 60)  # of naevi that one of the six may be called in
ROUNDS: Final = 2
SIX_CHOICE: Final = (
    f"possible: chosen together for the six so that, out of fold, one that was read is called in at least {IN_BCC:.0%} "
    f"of the BCC with any, and any in at most {IN_NAEVI:.0%} of naevi, by the widest margin. Likely: from where on at "
    f"least {PRECISION:.0%} of the read images called have the pattern by the merged readings"
)
PN_CHOICE: Final = (
    f"possible: {PN_SENSITIVITY:.0%} of the images that experts marked. Likely: from where on at least {PRECISION:.0%} "
    "of the images called are marked"
)


@dataclass(frozen=True)
class ReadScores:
    """Scores of all held-out images of HAM10000 and MILK10k, of which some were `read` (N,), as `outputs` has them."""

    found: PatternScores
    read: Flags
    outputs: Outputs

    @classmethod
    def of(cls, found: Outputs, sources: Sources) -> Self:
        found, row_of = found.from_sources(HAM, MILK), sources.readings.index()
        read = np.isin(found.name, sources.readings.images)
        present = np.zeros((len(found.name), len(PATTERNS)), np.bool_)
        present[read] = sources.readings.present[[row_of[name] for name in found.name[read].tolist()]] > 0.5
        scores = PatternScores(
            scores=np.stack([found.logits(pattern.value) for pattern in PATTERNS], axis=1),
            present=present,
            bcc=read & found.shows(Lesion.BCC),
            naevus=found.shows(Lesion.NV),
            group=found.group,
        )
        return cls(scores, read, found)


def pattern_targets(found: Outputs, sources: Sources) -> dict[str, Target]:
    """All seven by their codes. Raises ValueError where a pattern does not occur."""
    scores, kappa = ReadScores.of(found, sources), sources.readings.kappa
    rows = within_bcc(scores.found)
    six = {p.value: _one_of_six(p, scores, rows[p], kappa[PATTERNS.index(p)]) for p in BCC_PATTERNS}
    possible = choose_thresholds(
        np.stack([target.probability(scores.outputs.logits(code)) for code, target in six.items()], axis=1),
        scores.found,
    )
    for (code, target), threshold in zip(six.items(), possible, strict=True):
        column, read = PATTERNS.index(Pattern(code)), scores.read
        logits, present = scores.outputs.logits(code)[read], scores.found.present[read, column]
        six[code] = _with_calls(target, logits, present, threshold)
    network = _pigment_network(found.from_sources(MARKED), sources)
    return {network.code: network, **six}


def _one_of_six(pattern: Pattern, scores: ReadScores, row: PatternRow, kappa: float) -> Target:
    code, read = pattern.value, scores.read
    present = scores.found.present[read, PATTERNS.index(pattern)]
    return replace(
        _calibrated(pattern, EVIDENCE, scores.outputs.logits(code)[read], present, scores.outputs.maxima(code)[read]),
        choice=SIX_CHOICE,
        told_apart=row.told_apart,
        labels=Labels(row.positives, kappa, measured(row.auc), row.correlation),
    )


def _calibrated(pattern: Pattern, evidence: str, logits: Floats, present: Flags, maxima: Floats) -> Target:
    """Without thresholds yet."""
    temperature, offset = fit_binary(logits, present)
    return Target(
        code=pattern.value,
        evidence=evidence,
        temperature=temperature,
        offset=offset,
        operating_points=(),
        default_sensitivity=0.0,
        place=place(maxima[present]),
        prior=float(present.mean()),
    )


def _with_calls(target: Target, logits: Floats, present: Flags, possible: float) -> Target:
    """The target with both thresholds; the likely one stands under the sensitivity that it has."""
    probability = target.probability(logits)
    likely = max(precise_from(probability, present), possible)
    sensitivity, specificity = sensitivity_specificity(probability, present, likely)
    point = OperatingPoint(sensitivity, likely, sensitivity, specificity)
    return replace(target, operating_points=(point,), default_sensitivity=sensitivity, possible_from=possible)


def precise_from(probability: Floats, present: Flags, precision: float = PRECISION) -> float:
    """The lowest threshold from which on at least that share of the called has the finding; 1 where none has it."""
    ordered = np.unique(probability)
    reached = [each for each in ordered if present[probability >= each].mean() >= precision]
    return float(min(reached, default=1.0))


def choose_thresholds(probability: Floats, scores: PatternScores) -> list[float]:
    """The possible thresholds of the six by their probabilities (N, 6), as `SIX_CHOICE` says.

    First the same share of naevi is called for each; then each threshold in turn moves to where the margin is widest.
    """
    naevi = probability[scores.naevus]
    grid = np.quantile(naevi, 1 - SHARES, axis=0)
    chosen = max(grid, key=lambda thresholds: margin(probability >= thresholds, scores))
    for column in [*range(len(SIX))] * ROUNDS:
        moved = np.tile(chosen, (len(grid) + 1, 1))
        moved[1:, column] = grid[:, column]  # the first stays as it is, and wins where no other is better
        chosen = max(moved, key=lambda thresholds: margin(probability >= thresholds, scores))
    return [float(threshold) for threshold in chosen]


def margin(called: Flags, scores: PatternScores) -> float:
    """By how much calls of the six (N, 6) keep to both sides of `SIX_CHOICE`; below 0 where they do not."""
    every = np.zeros_like(scores.present)
    every[:, SIX] = called
    found = any_of_six(scores, every)
    return min((found["right"] - IN_BCC) / (1 - IN_BCC), 1 - found["naevi"] / IN_NAEVI)


def _pigment_network(found: Outputs, sources: Sources) -> Target:
    marked = {record.image_id: sources.structures.pigment_network(record) for record in sources.structures.records}
    present = np.array([marked[name] for name in found.name.tolist()])
    logits = found.logits(Pattern.PN.value)
    target = _calibrated(Pattern.PN, PN_EVIDENCE, logits, present, found.maxima(Pattern.PN.value))
    auc = measured(Bootstrap(found.group).interval(metrics.roc_auc, logits, present))
    possible = float(np.quantile(target.probability(logits)[present], 1 - PN_SENSITIVITY, method="lower"))
    return replace(
        _with_calls(target, logits, present, possible),
        choice=PN_CHOICE,
        labels=Labels(int(present.sum()), None, auc, None),
    )


def called(targets: Mapping[str, Target], scores: Floats) -> Flags:
    """(N, 7) logits in the order of `PATTERNS` → which counts as present."""
    each = [targets[pattern.value] for pattern in PATTERNS]
    return np.stack([one.probability(scores[:, k]) >= one.present_from for k, one in enumerate(each)], axis=1)
