"""Weighted figures against scikit-learn, and intervals over lesions."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics as reference

from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from tests.ml.support import numbers

GENERATOR = np.random.default_rng(1)
SCORES = GENERATOR.random(60).round(1)  # many ties
LABELS = GENERATOR.random(60) < 0.4
CALLED = SCORES >= 0.5
WEIGHTS = GENERATOR.integers(0, 4, (5, 60)).astype(float)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (
            lambda w: metrics.roc_auc(SCORES, LABELS, w),
            lambda w: reference.roc_auc_score(LABELS, SCORES, sample_weight=w),
        ),
        (
            lambda w: metrics.average_precision(SCORES, LABELS, w),
            lambda w: reference.average_precision_score(LABELS, SCORES, sample_weight=w),
        ),
        (lambda w: metrics.f1(CALLED, LABELS, w), lambda w: reference.f1_score(LABELS, CALLED, sample_weight=w)),
        (
            lambda w: metrics.share(CALLED, LABELS, w),
            lambda w: reference.recall_score(LABELS, CALLED, sample_weight=w),
        ),
        (
            lambda w: metrics.share(LABELS, CALLED, w),
            lambda w: reference.precision_score(LABELS, CALLED, sample_weight=w),
        ),
        (
            lambda w: metrics.macro_f1(CALLED + 0, LABELS + 0, 3, w),
            lambda w: reference.f1_score(
                LABELS, CALLED, labels=[0, 1, 2], average="macro", sample_weight=w, zero_division=0
            ),
        ),
    ],
    ids=["auc", "ap", "f1", "recall", "precision", "macro f1"],
)
def test_the_reference_agrees(ours: Callable[[np.ndarray], np.ndarray], theirs: Callable[[np.ndarray], float]) -> None:
    np.testing.assert_allclose(ours(WEIGHTS), [theirs(row) for row in WEIGHTS])


def test_specificity_at_a_sensitivity_is_read_off_the_roc_curve() -> None:
    false_positive, true_positive, _ = reference.roc_curve(LABELS, SCORES)
    for target in (0.5, 0.9, 0.95, 1.0):
        (ours,) = metrics.specificity_at(target, SCORES, LABELS, np.ones((1, 60)))
        assert ours == pytest.approx(1 - false_positive[true_positive >= target - 1e-9].min())


def test_what_has_no_value_is_nan_and_none() -> None:
    nobody, ones = np.zeros(60, bool), np.ones((2, 60))
    for figure in (
        lambda w: metrics.roc_auc(SCORES, nobody, w),
        lambda w: metrics.average_precision(SCORES, nobody, w),
        lambda w: metrics.specificity_at(0.9, SCORES, nobody, w),
        lambda w: metrics.share(CALLED, nobody, w),
        lambda w: metrics.f1(nobody, nobody, w),
    ):
        assert np.isnan(figure(ones)).all()
        assert Bootstrap(range(60), 20).interval(figure) == {"value": None, "low": None, "high": None}


def test_an_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    """Shares of 200 coin flips: in 200 trials a few 95 % intervals miss the truth, but not many."""
    generator = np.random.default_rng(3)
    missed = 0
    for trial in range(200):
        hits = generator.random(200) < 0.3
        found = Bootstrap(range(200), 200, seed=trial).interval(
            lambda w, h=hits: metrics.share(h, np.ones(200, bool), w)
        )
        low, _, high = numbers(found)
        missed += not low <= 0.3 <= high
    assert 2 <= missed <= 22


def test_images_of_a_lesion_are_drawn_together() -> None:
    hits = np.repeat([True, False], 10)
    figure = lambda w: metrics.share(hits, np.ones(20, bool), w)  # noqa: E731
    found = Bootstrap(["a"] * 10 + ["b"] * 10, 200).interval(figure)
    assert (found["value"], found["low"], found["high"]) == (0.5, 0.0, 1.0)
    low, _, _ = numbers(Bootstrap(range(20), 200).interval(figure))
    assert low > 0.2


def test_calibration_error_by_hand() -> None:
    """0.1 and 0.9, each a tenth off; then one wrong by nine tenths, and a bin of four with one positive."""
    probabilities, labels = np.array([0.1, 0.1, 0.9, 0.9]), np.array([True, False, True, True])
    weights = np.array([[0.0, 1, 1, 1], [1, 0, 0, 0], [1, 3, 0, 0]])
    np.testing.assert_allclose(metrics.calibration_error(probabilities, labels, weights), [0.1, 0.9, 0.15])
    assert metrics.calibration_error(np.array([1.0]), np.array([True]), np.ones((1, 1))) == 0
