"""The dashboard's statistics against SciPy, scikit-learn and NumPy, and by hand."""

import math
from collections import Counter

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score

from webapp.admin.reports.statistics import Z95, Accuracy, kappa, percentile, proportion


@pytest.mark.parametrize(("hits", "n"), [(0, 1), (1, 1), (0, 20), (20, 20), (3, 10), (95, 100), (1, 100_000)])
def test_a_proportion_with_its_wilson_interval(hits: int, n: int) -> None:
    found, reference = proportion(hits, n), binomtest(hits, n).proportion_ci(method="wilson")
    assert found is not None
    assert (found.value, found.n) == (hits / n, n)
    assert (found.low, found.high) == pytest.approx((reference.low, reference.high), abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_a_share_of_nothing_is_unknown() -> None:
    assert proportion(0, 0) is None
    assert kappa([[0, 0], [0, 0]]) is None
    assert percentile([], 50) is None


TABLES = [[[20, 5], [10, 15]], [[1, 0], [0, 1]], [[0, 7], [3, 0]], [[30, 2, 1], [4, 20, 6], [0, 3, 9]]]


@pytest.mark.parametrize("table", TABLES)
def test_kappa_is_that_of_scikit_learn(table: list[list[int]]) -> None:
    pairs = [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _ in range(count)]
    found = kappa(table)
    assert found is not None
    assert found.value == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))
    assert -1 <= found.low <= found.value <= found.high <= 1


@pytest.mark.parametrize("table", [TABLES[0], TABLES[3]])
def test_the_interval_of_kappa_is_that_of_the_delta_method(table: list[list[int]]) -> None:
    n = int(np.sum(table))
    p = np.array(table) / n

    def value(p: np.ndarray) -> float:
        chance = float(p.sum(axis=1) @ p.sum(axis=0))
        return (float(np.trace(p)) - chance) / (1 - chance)

    step = 1e-6
    slopes = np.zeros_like(p)
    for place in np.ndindex(*p.shape):
        moved = np.zeros_like(p)
        moved[place] = step
        slopes[place] = (value(p + moved) - value(p - moved)) / (2 * step)
    error = math.sqrt(float((p * slopes**2).sum() - (p * slopes).sum() ** 2) / n)
    found = kappa(table)
    assert found is not None
    assert found.high - found.value == pytest.approx(Z95 * error, rel=1e-4)


@pytest.mark.parametrize("table", [[[12, 0], [0, 0]], [[3, 0], [1, 0]], [[3, 1], [0, 0]]])
def test_kappa_says_nothing_where_one_side_always_says_the_same(table: list[list[int]]) -> None:
    assert kappa(table) is None


@pytest.mark.parametrize("values", [[3.0], [1.0, 2.0], [5.0, 1.0, 9.0, 2.0, 2.0]])
@pytest.mark.parametrize("percent", [1, 10, 50, 90, 99])
def test_a_percentile_is_that_of_numpy(values: list[float], percent: int) -> None:
    assert percentile(values, percent) == pytest.approx(np.percentile(values, percent))


def test_accuracy_counts_each_pair_once() -> None:
    pairs = [(True, True)] * 8 + [(False, True)] * 2 + [(True, False)] * 3 + [(False, False)] * 7
    found = Accuracy.of(Counter(pairs))
    assert (found.true_positives, found.false_negatives, found.false_positives, found.true_negatives) == (8, 2, 3, 7)
    assert found.n == 20
    assert found.sensitivity == proportion(8, 10)
    assert found.specificity == proportion(7, 10)
    assert found.kappa == kappa([[8, 3], [2, 7]])
    assert Accuracy.of({}).sensitivity is None
