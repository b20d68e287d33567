"""The gate between dermoscopic images and everything else."""

import numpy as np
import pytest

from ml.training.modality import MODALITIES, fit, threshold

KINDS = [MODALITIES[k % 3] for k in range(300)]


def features(size: int = 6) -> np.ndarray:
    """Each modality has a feature of its own."""
    generator = np.random.default_rng(1)
    found = generator.normal(0, 1, (len(KINDS), size))
    found[np.arange(len(KINDS)), np.arange(len(KINDS)) % 3] += 4
    return found * 3 + 10


def test_each_modality_is_recognised() -> None:
    gate = fit(features()[:200], KINDS[:200])
    found = gate.probabilities(features()[200:])
    assert np.allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == np.arange(200, 300) % 3).mean() > 0.95


def test_the_threshold_asks_for_a_person_no_more_often_than_allowed() -> None:
    probabilities = np.linspace(0, 1, 200)
    assert (probabilities < threshold(probabilities, 0.02)).mean() == pytest.approx(0.02)
