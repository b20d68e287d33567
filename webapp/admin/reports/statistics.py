"""The statistics of the dashboard: proportions and agreement with their intervals, percentiles.

Plain Python, because the web process loads neither NumPy nor SciPy; the tests compare with SciPy and scikit-learn.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, quantiles

Z95 = NormalDist().inv_cdf(0.975)
"""For two-sided 95 % intervals."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95 % interval and the number of cases behind it."""

    value: float
    low: float
    high: float
    n: int


def proportion(hits: int, n: int) -> Estimate | None:
    """``hits`` of ``n`` with the Wilson score interval, inside [0, 1] even for small n; None if n is 0.

    Wilson (1927), J. Am. Stat. Assoc. 22:209; recommended by Brown, Cai & DasGupta (2001), Stat. Sci. 16:101.
    """
    if n == 0:
        return None
    share, z2 = hits / n, Z95**2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = Z95 * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return Estimate(share, max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half)), n)


def kappa(table: Sequence[Sequence[int]]) -> Estimate | None:
    """Agreement beyond chance in a square table of counts, in [-1, 1]; None if one side always says the same.

    Cohen (1960), Educ. Psychol. Meas. 20:37; large-sample variance of Fleiss, Cohen & Everitt (1969), Psychol. Bull.
    72:323.
    """
    n = sum(map(sum, table))
    if n == 0:
        return None
    size = range(len(table))
    p = [[count / n for count in row] for row in table]
    rows, columns = [sum(row) for row in p], [sum(row[j] for row in p) for j in size]
    if max(rows) == 1 or max(columns) == 1:
        return None
    observed, expected = sum(p[i][i] for i in size), sum(rows[i] * columns[i] for i in size)
    value = (observed - expected) / (1 - expected)
    a = sum(p[i][i] * (1 - (rows[i] + columns[i]) * (1 - value)) ** 2 for i in size)
    b = (1 - value) ** 2 * sum(p[i][j] * (columns[i] + rows[j]) ** 2 for i in size for j in size if i != j)
    c = (value - expected * (1 - value)) ** 2
    half = Z95 * math.sqrt(max(0.0, a + b - c) / n) / (1 - expected)
    return Estimate(value, max(-1.0, value - half), min(1.0, value + half), n)


def percentile(values: Sequence[float], percent: int) -> float | None:
    """Linearly interpolated, ``percent`` from 1 to 99; None without values.

    Definition 7 of Hyndman & Fan (1996), Am. Stat. 50:361, as in NumPy.
    """
    if len(values) < 2:
        return values[0] if values else None
    return quantiles(values, n=100, method="inclusive")[percent - 1]


@dataclass(frozen=True)
class Accuracy:
    """Yes or no against a yes-or-no truth: counts of cases, and the figures made from them."""

    true_positives: int = 0
    false_positives: int = 0
    false_negatives: int = 0
    true_negatives: int = 0

    @classmethod
    def of(cls, counts: Mapping[tuple[bool, bool], int]) -> "Accuracy":
        """From the number of cases with each (answer, truth)."""
        return cls(
            true_positives=counts.get((True, True), 0),
            false_positives=counts.get((True, False), 0),
            false_negatives=counts.get((False, True), 0),
            true_negatives=counts.get((False, False), 0),
        )

    @property
    def n(self) -> int:
        return self.true_positives + self.false_positives + self.false_negatives + self.true_negatives

    @property
    def sensitivity(self) -> Estimate | None:
        return proportion(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def specificity(self) -> Estimate | None:
        return proportion(self.true_negatives, self.true_negatives + self.false_positives)

    @property
    def kappa(self) -> Estimate | None:
        return kappa(
            [[self.true_positives, self.false_positives], [self.false_negatives, self.true_negatives]],
        )
