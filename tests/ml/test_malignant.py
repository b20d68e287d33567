"""Probabilities of malignant types, fitted on other folds."""

import numpy as np
import pytest
from scipy.special import expit

from ml.data.diagnoses import DIAGNOSES, MALIGNANT, Diagnosis
from ml.evaluation.out_of_fold import Finding, OutOfFold
from ml.release.malignant import calibration, probabilities, with_prior


def made(images: int = 6000) -> tuple[Finding, np.ndarray]:
    """Scores twice as sure as they should be and moved by 1, beside the true probabilities."""
    generator = np.random.default_rng(1)
    true = generator.normal(-1, 2, images)
    finding = Finding(
        collection=np.full(images, "MILK10k"),
        group=np.array([f"G{k}" for k in range(images)]),
        fold=np.arange(images) % 5,
        scores=2 * true + 1,
        present=generator.random(images) < expit(true),
    )
    return finding, expit(true)


def test_probabilities_mean_what_they_say() -> None:
    finding, true = made()
    assert np.abs(probabilities(finding) - true).max() < 0.06


def test_a_fold_has_no_say_in_its_own_probabilities() -> None:
    finding, _ = made()
    here = finding.fold == 2
    turned = Finding(**{**vars(finding), "present": finding.present ^ here})
    assert np.allclose(probabilities(turned)[here], probabilities(finding)[here])


def test_a_rarer_finding_is_less_likely_for_the_same_picture() -> None:
    moved = with_prior(np.array([0.0, 0.5, 0.9, 1.0]), fitted=0.5, wanted=0.1)
    assert moved[1] == pytest.approx(0.1)
    assert moved[2] == pytest.approx(0.5)
    assert np.allclose(with_prior(moved, 0.1, 0.5)[1:3], [0.5, 0.9])
    with pytest.raises(ValueError, match="between 0 and 1"):
        with_prior(moved, 0.5, 1.0)


def test_each_malignant_type_has_its_error_in_each_collection() -> None:
    generator = np.random.default_rng(3)
    truth = np.arange(900) % len(DIAGNOSES)
    lesion = generator.normal(0, 1, (900, len(DIAGNOSES)))
    lesion[np.arange(900), truth] += 2
    lesion -= np.log(np.exp(lesion).sum(axis=1, keepdims=True))
    found = OutOfFold(
        collection=np.array(["HAM10000", "MILK10k"])[np.arange(900) // 9 % 2],
        image_id=np.array([f"I{k}" for k in range(900)]),
        group=np.array([f"G{k}" for k in range(900)]),
        truth=truth,
        scores=lesion[:, DIAGNOSES.index(Diagnosis.BCC)],
        lesion=lesion,
        fold=np.arange(900) // 18 % 5,
    )
    table = calibration(found, resamples=20)
    assert set(table) == set(MALIGNANT)
    for rows in table.values():
        for estimate in rows.values():
            value = estimate["value"]
            assert value is not None
            assert value < 0.1
