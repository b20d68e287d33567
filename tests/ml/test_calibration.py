"""Calibration undoes a known distortion; operating points reach their target sensitivity."""

import numpy as np
import pytest

from ml.card import calibrated
from ml.evaluation.metrics import calibration_error
from ml.training.calibration import fit_binary, fit_temperature, operating_points, sensitivity_specificity


def test_a_probability_is_the_sigmoid_of_the_scaled_logit_and_never_overflows() -> None:
    assert calibrated([0.0, 1.0], 2.0, 3.0) == pytest.approx(1 / (1 + np.exp([-1.5, -2.0])))
    assert calibrated([-1e9, 1e9], 0.01, 0.0).tolist() == [0, 1]


def test_fit_undoes_a_known_distortion() -> None:
    generator = np.random.default_rng(1)
    true_logits = generator.normal(-2, 2, 40_000)
    labels = generator.random(40_000) < 1 / (1 + np.exp(-true_logits))
    logits = true_logits * 2.5 + 1.5
    temperature, offset = fit_binary(logits, labels)
    assert temperature == pytest.approx(2.5, rel=0.05)
    assert offset == pytest.approx(-1.5, abs=0.1)
    once = np.ones((1, len(labels)))
    (before,) = calibration_error(calibrated(logits, 1.0, 0.0), labels, once)
    (after,) = calibration_error(calibrated(logits, temperature, offset), labels, once)
    assert after < 0.01 < 0.05 < before


@pytest.mark.parametrize("labels", [np.zeros(5, bool), np.ones(5, bool)])
def test_one_class_cannot_be_calibrated(labels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="positives and negatives"):
        fit_binary(np.arange(5.0), labels)


def test_temperature_of_many_classes_is_recovered() -> None:
    generator = np.random.default_rng(1)
    logits = generator.normal(0, 2, (20_000, 5))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    classes = (shares.cumsum(axis=1) > generator.random((20_000, 1))).argmax(axis=1)
    assert fit_temperature(logits * 3, classes) == pytest.approx(3, rel=0.05)


def test_operating_points_reach_the_target_sensitivity_with_the_highest_threshold() -> None:
    generator = np.random.default_rng(1)
    labels = generator.random(500) < 0.3
    probabilities = np.clip(generator.normal(0.3 + 0.3 * labels, 0.2), 0, 1)
    for point in operating_points(probabilities, labels):
        assert point.sensitivity >= point.target_sensitivity
        assert (point.sensitivity, point.specificity) == sensitivity_specificity(probabilities, labels, point.threshold)
        higher = probabilities[probabilities > point.threshold].min()
        assert (
            sensitivity_specificity(probabilities, labels, higher)[0] < point.target_sensitivity
            or higher not in probabilities[labels]
        )


def test_operating_points_of_twenty_positives() -> None:
    probabilities = np.concatenate([np.linspace(0.05, 1, 20), [0.0, 0.12]])
    labels = np.arange(22) < 20
    points = operating_points(probabilities, labels, [0.90, 0.95, 1.0])
    assert [round(point.threshold, 2) for point in points] == [0.15, 0.10, 0.05]
    assert [point.specificity for point in points] == [1.0, 0.5, 0.5]
