"""How well heads tell patterns apart *within* BCC, out of fold, against the merged readings.

Across all images a pattern's head can live on knowing a BCC when it sees one; within BCC it cannot.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap, Estimate
from ml.evaluation.metrics import Flags, Floats
from ml.patterns import BCC_PATTERNS, Pattern

PATTERNS: Final = tuple(Pattern)
SIX: Final = [PATTERNS.index(pattern) for pattern in BCC_PATTERNS]
# Below either of these a pattern is "BCC structure, kind not told apart".
LEAST_AUC: Final = 0.70
LEAST_POSITIVES: Final = 30


@dataclass(frozen=True)
class PatternScores:
    """N images: `scores` (N, 7) out of fold, `present` (N, 7) by the merged readings, in the order of `PATTERNS`;
    `bcc` (N,) that was read, `naevus` (N,), read or not, and the lesion of each."""

    scores: Floats
    present: Flags
    bcc: Flags
    naevus: Flags
    group: npt.NDArray[np.str_]


@dataclass(frozen=True)
class PatternRow:
    """`correlation`: mean with the other five within BCC."""

    positives: int
    auc: Estimate
    correlation: float

    @property
    def told_apart(self) -> bool:
        value = self.auc["value"]
        return value is not None and value >= LEAST_AUC and self.positives >= LEAST_POSITIVES


def within_bcc(found: PatternScores, resamples: int | None = None) -> Mapping[Pattern, PatternRow]:
    """AUC of each of the six within BCC, with 95 % intervals over lesions."""
    bootstrap = Bootstrap(found.group[found.bcc], resamples)
    scores, present = found.scores[found.bcc], found.present[found.bcc]
    with_others = (np.corrcoef(scores[:, SIX], rowvar=False).sum(axis=1) - 1) / (len(SIX) - 1)
    return {
        PATTERNS[k]: PatternRow(
            int(present[:, k].sum()), bootstrap.interval(metrics.roc_auc, scores[:, k], present[:, k]), float(one)
        )
        for k, one in zip(SIX, with_others, strict=True)
    }


def mean_correlation(found: PatternScores) -> float:
    """Mean correlation between the scores of two of the six within BCC: 1 is one detector with six names."""
    return float(correlation(found, np.ones((1, int(found.bcc.sum()))))[0])


def correlation(found: PatternScores, weights: Floats) -> Floats:
    """The same for each row of weights (R, B) of the B images of BCC: (R,)."""
    scores, pairs = found.scores[found.bcc][:, SIX], np.triu_indices(len(SIX), 1)
    means = []
    for row in weights:
        covariance = np.cov(scores, rowvar=False, aweights=row)
        deviation = np.sqrt(np.diag(covariance))
        means.append((covariance / np.outer(deviation, deviation))[pairs].mean())
    return np.array(means)


def any_of_six(found: PatternScores, called: Flags) -> Mapping[str, float]:
    """`called` (N, 7) → the share of BCC with at least one reading that get one of those read ("right"), and of naevi
    that get any ("naevi")."""
    return {name: float(hits[among].mean()) for name, (hits, among) in hits_of_six(found, called).items()}


def hits_of_six(found: PatternScores, called: Flags) -> Mapping[str, tuple[Flags, Flags]]:
    """What `any_of_six` counts: name → which of N images are hits, and among which."""
    six, read = called[:, SIX], found.present[:, SIX]
    among: Flags = found.bcc & np.any(read, axis=1)
    return {"right": (np.any(six & read, axis=1), among), "naevi": (np.any(six, axis=1), found.naevus)}


def calls(found: PatternScores, called: Flags, resamples: int | None = None) -> Mapping[Pattern, dict[str, Estimate]]:
    """`called` (N, 7) → recall and specificity of each of the six within BCC."""
    bootstrap = Bootstrap(found.group[found.bcc], resamples)
    chosen, present = called[found.bcc], found.present[found.bcc]
    return {
        PATTERNS[k]: {
            "recall": bootstrap.interval(metrics.share, chosen[:, k], present[:, k]),
            "specificity": bootstrap.interval(metrics.share, ~chosen[:, k], ~present[:, k]),
        }
        for k in SIX
    }
