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
    `bcc` (N,), `naevus` (N,), and the lesion of each."""

    scores: Floats
    present: Flags
    bcc: Flags
    naevus: Flags
    group: npt.NDArray[np.str_]


@dataclass(frozen=True)
class PatternRow:
    positives: int
    auc: Estimate

    @property
    def told_apart(self) -> bool:
        value = self.auc["value"]
        return value is not None and value >= LEAST_AUC and self.positives >= LEAST_POSITIVES


def within_bcc(found: PatternScores, resamples: int | None = None) -> Mapping[Pattern, PatternRow]:
    """AUC of each of the six within BCC, with 95 % intervals over lesions."""
    bootstrap = Bootstrap(found.group[found.bcc], resamples)
    scores, present = found.scores[found.bcc], found.present[found.bcc]
    return {
        PATTERNS[k]: PatternRow(
            int(present[:, k].sum()), bootstrap.interval(metrics.roc_auc, scores[:, k], present[:, k])
        )
        for k in SIX
    }


def mean_correlation(found: PatternScores) -> float:
    """Mean correlation between the scores of two of the six within BCC: 1 is one detector with six names."""
    table: Floats = np.atleast_2d(np.corrcoef(found.scores[found.bcc][:, SIX], rowvar=False))
    return float(table[np.triu_indices(len(SIX), 1)].mean())


def any_of_six(found: PatternScores, called: Flags) -> Mapping[str, float]:
    """`called` (N, 7) → the share of BCC with at least one reading that get one of those read ("right"), and of naevi
    that get any ("naevi")."""
    six, read = called[:, SIX], found.present[:, SIX]
    among: Flags = found.bcc & np.any(read, axis=1)
    right, any_called = np.any((six & read)[among], axis=1), np.any(six[found.naevus], axis=1)
    return {"right": float(np.mean(right)), "naevi": float(np.mean(any_called))}
