"""Calibration, thresholds and what the labels are worth, of the seven patterns: all on images that no head has seen.

The six of BCC are judged by the readings, weak labels that no dermatologist has checked (`ml.data.readings`); pigment
network only by the experts' marks of ISIC 2018 Task 2.
"""

from dataclasses import replace
from typing import Final

import numpy as np

from ml.card import Labels, OperatingPoint, Target
from ml.data.collections import HAM, MILK
from ml.data.readings import EVIDENCE
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.metrics import Flags, Floats
from ml.evaluation.outputs import Outputs
from ml.evaluation.pattern_heads import PATTERNS, SIX, PatternScores, any_of_six, within_bcc
from ml.patterns import BCC_PATTERNS, Lesion, Pattern
from ml.release.operating_points import measured
from ml.release.places import place
from ml.release.sources import TASK2, Sources
from ml.training.calibration import fit_binary, sensitivity_specificity

PN_EVIDENCE: Final = "experts' marks of ISIC 2018 Task 2, with no BCC among its images"
IN_BCC: Final = 0.92  # of BCC with any of the six by the readings: one of those is called
IN_NAEVI: Final = 0.12  # of naevi: any of the six is called
PRECISION: Final = 0.75  # of a pattern that is called likely
PN_SENSITIVITY: Final = 0.80
SIX_CHOICE: Final = (
    f"possible: chosen together for the six so that, out of fold, one that was read is called in at least {IN_BCC:.0%} "
    f"of the BCC with any, and any in at most {IN_NAEVI:.0%} of naevi, by the widest margin. Likely: from where on at "
    f"least {PRECISION:.0%} of the read images called have the pattern by the merged readings"
)
PN_CHOICE: Final = (
    f"possible: {PN_SENSITIVITY:.0%} of the images that experts marked. Likely: from where on at least {PRECISION:.0%} "
    "of the images called are marked"
)


def scores_of(found: Outputs, sources: Sources) -> PatternScores:
    """The read images among what the folds held out."""
    row_of = sources.readings.index()
    found = found.from_sources(HAM, MILK)
    read = found.of(np.isin(found.name, sources.readings.images))
    present = sources.readings.present[[row_of[name] for name in read.name.tolist()]]
    return PatternScores(
        scores=np.stack([read.logits(pattern.value) for pattern in PATTERNS], axis=1),
        present=present > 0.5,
        bcc=read.shows(Lesion.BCC),
        naevus=read.shows(Lesion.NV),
        group=read.group,
    )


def pattern_targets(found: Outputs, sources: Sources) -> dict[str, Target]:
    """All seven by their codes. Raises ValueError where a pattern does not occur."""
    judged = found.from_sources(HAM, MILK)
    read = judged.of(np.isin(judged.name, sources.readings.images))
    scores = scores_of(found, sources)
    six = {pattern: _one_of_six(pattern, scores, read, sources) for pattern in BCC_PATTERNS}
    naevi = judged.of(judged.shows(Lesion.NV))
    chosen = choose_thresholds(
        np.stack([target.probability(scores.scores[:, PATTERNS.index(p)]) for p, target in six.items()], axis=1),
        scores,
        np.stack([target.probability(naevi.logits(p.value)) for p, target in six.items()], axis=1),
    )
    for (pattern, target), possible in zip(six.items(), chosen, strict=True):
        column = PATTERNS.index(pattern)
        six[pattern] = _with_calls(target, scores.scores[:, column], scores.present[:, column], possible)
    network = _pigment_network(found.from_sources(TASK2), sources)
    return {target.code: target for target in (network, *six.values())}


def _one_of_six(pattern: Pattern, scores: PatternScores, read: Outputs, sources: Sources) -> Target:
    column = PATTERNS.index(pattern)
    logits, present = scores.scores[:, column], scores.present[:, column]
    row = within_bcc(scores)[pattern]
    return replace(
        _calibrated(pattern, EVIDENCE, logits, present, read.maxima(pattern.value)),
        choice=SIX_CHOICE,
        told_apart=row.told_apart,
        labels=Labels(row.positives, sources.readings.kappa[column], measured(row.auc), _correlation(pattern, scores)),
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


def _correlation(pattern: Pattern, scores: PatternScores) -> float:
    """Mean with the other five within BCC."""
    table = np.atleast_2d(np.corrcoef(scores.scores[scores.bcc][:, SIX], rowvar=False))
    own = BCC_PATTERNS.index(pattern)
    return float(np.delete(table[own], own).mean())


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


def choose_thresholds(read: Floats, scores: PatternScores, naevi: Floats) -> list[float]:
    """The possible thresholds of the six, by probabilities of the read images (N, 6) and of naevi (M, 6).

    The same share of naevi is called for each of the six; that share is chosen as `SIX_CHOICE` says.
    """
    best, chosen = -np.inf, naevi.max(axis=0)
    for share in np.geomspace(0.001, 0.2, 150):
        thresholds = np.quantile(naevi, 1 - share, axis=0)
        called = np.zeros_like(scores.present)
        called[:, SIX] = read >= thresholds
        right = any_of_six(scores, called)["right"]
        margin = min((right - IN_BCC) / (1 - IN_BCC), 1 - float((naevi >= thresholds).any(axis=1).mean()) / IN_NAEVI)
        if margin > best:
            best, chosen = margin, thresholds
    return [float(threshold) for threshold in chosen]


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


def any_called(targets: dict[str, Target], found: Outputs) -> Flags:
    """(N,) whether any of the six counts as present."""
    six = [targets[pattern.value] for pattern in BCC_PATTERNS]
    called: Flags = np.any([t.probability(found.logits(t.code)) >= t.present_from for t in six], axis=0)
    return called
