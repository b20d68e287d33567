"""Probabilities of malignant types, fitted on other folds, and the point that BCC is called from."""

import numpy as np
from scipy.special import expit

from ml.evaluation.out_of_fold import Finding, OutOfFold
from ml.evaluation.table_3_out_of_fold import margins
from ml.patterns import LESIONS, Lesion
from ml.report.evidence import OF_THE_OTHERS, SHIPPED, Evidence, of_malignant, probabilities
from tests.ml.evaluated import card
from tests.ml.test_diagnosis import made as predictions


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


def test_a_type_of_one_fold_alone_has_no_probabilities() -> None:
    found = predictions()
    mel = found.truth == LESIONS.index(Lesion.MEL)
    assert set(of_malignant(found)) == {Lesion.BCC, Lesion.SCC, Lesion.MEL}
    assert set(of_malignant(found.of(~mel | (found.fold == 0)))) == {Lesion.BCC, Lesion.SCC}


def evidence(found: OutOfFold, shipped: bool) -> Evidence:
    def no_mask(record: object) -> np.ndarray:
        raise AssertionError(record)

    return Evidence({1: found}, 1, {}, {}, {}, no_mask, card() if shipped else None)


def test_the_cards_point_comes_before_that_of_the_other_folds() -> None:
    found = predictions(9000)
    shipped, without = evidence(found, True), evidence(found, False)
    assert (shipped.point, without.point) == (SHIPPED, OF_THE_OTHERS)
    assert shipped.above is not None
    assert np.allclose(shipped.above, expit(found.scores) - 0.5)
    assert without.above is not None
    assert np.allclose(without.above, margins(found.finding(Lesion.BCC)))


def test_too_few_lesions_give_no_point() -> None:
    few = evidence(predictions(200), False)
    assert few.above is None
    assert few.point is None


def test_one_fold_gives_no_point() -> None:
    found = predictions(9000)
    assert evidence(found.of(found.fold == 0), False).above is None
