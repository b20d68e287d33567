"""Consensus: the data of 1979, simulated raters, degenerate inputs and kappas."""

import time

import numpy as np
import pytest

from ml.consensus import (
    NO_LABEL,
    Consensus,
    cohen_kappa,
    cohen_kappas,
    counts_of,
    dawid_skene,
    fleiss_kappa,
)
from ml.patterns import Pattern

# Dawid and Skene (1979), table 1: 45 patients by five anaesthetists, the first of whom rated each three times.
ANAESTHETISTS = """
111 1 1 1 1  333 4 3 3 4  112 2 1 2 2  222 3 1 2 1  222 3 2 2 2  222 3 3 2 2  122 2 1 1 1  333 3 4 3 3  222 2 2 2 3
232 2 2 2 3  444 4 4 4 4  222 3 3 4 3  111 1 1 1 1  222 3 2 1 2  121 1 1 1 1  111 2 1 1 1  111 1 1 1 1  111 1 1 1 1
222 2 2 2 1  222 1 3 2 2  222 2 2 2 2  222 2 2 2 1  222 3 2 2 2  221 2 2 2 2  111 1 1 1 1  111 1 1 1 1  232 2 2 2 2
111 1 1 1 1  111 1 1 1 1  112 1 1 2 1  111 1 1 1 1  333 3 2 3 3  111 1 1 1 1  222 2 2 2 2  222 3 2 3 2  433 4 3 4 3
221 2 2 3 2  232 3 2 3 3  333 3 4 3 2  111 1 1 1 1  111 1 1 1 1  121 2 1 1 1  232 2 2 2 2  121 1 1 1 1  222 2 2 2 2
"""
# Their maximum likelihood estimates: prevalence, and [observer, true class, given class] in hundredths.
PREVALENCE = [0.40, 0.42, 0.11, 0.07]
ERROR_RATES = [
    [[89, 11, 0, 0], [7, 88, 5, 0], [0, 34, 66, 0], [0, 0, 56, 44]],
    [[83, 17, 0, 0], [5, 63, 31, 0], [0, 0, 100, 0], [0, 0, 0, 100]],
    [[100, 0, 0, 0], [11, 79, 11, 0], [0, 40, 20, 40], [0, 0, 67, 33]],
    [[94, 6, 0, 0], [5, 84, 10, 0], [0, 0, 80, 20], [0, 0, 33, 67]],
    [[100, 0, 0, 0], [16, 73, 11, 0], [0, 21, 79, 0], [0, 0, 33, 67]],
]


def anaesthetists() -> np.ndarray:
    """Ratings (45, 5, 3) of classes 0..3; -1 for repeats that did not happen."""
    fields = ANAESTHETISTS.split()
    ratings = np.full((45, 5, 3), -1)
    for place, field in enumerate(fields):
        ratings[place // 5, place % 5, : len(field)] = [int(digit) - 1 for digit in field]
    return ratings


def simulate(seed: int, items: int, confusion: np.ndarray, prevalence: list[float], missing: float = 0.0):
    """True classes (items,) and ratings (items, raters) simulated from the given confusion matrices."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(len(prevalence), size=items, p=prevalence)
    cumulative = confusion.cumsum(axis=2)[:, truth]
    ratings = (rng.random((len(confusion), items, 1)) > cumulative).sum(axis=2).T
    return truth, np.where(rng.random(ratings.shape) < missing, -1, ratings)


def binary(*quality: tuple[float, float]) -> np.ndarray:
    """Confusion matrices (R, 2, 2) from (sensitivity, specificity)."""
    return np.array([[[spec, 1 - spec], [1 - sens, sens]] for sens, spec in quality])


def majority(ratings: np.ndarray, classes: int) -> np.ndarray:
    return counts_of(ratings, classes).sum(axis=1).argmax(axis=1)


def assert_sound(found: Consensus) -> None:
    assert np.allclose(found.posterior.sum(axis=1), 1)
    assert np.allclose(found.confusion.sum(axis=2), 1)
    assert found.prevalence.sum() == pytest.approx(1)
    assert np.isfinite(found.log_likelihood).all()
    assert (np.diff(found.log_likelihood) > -1e-9 * (1 + np.abs(found.log_likelihood[:-1]))).all()
    assert found.iterations == len(found.log_likelihood)


def test_the_1979_data_give_the_published_estimates():
    found = dawid_skene(counts_of(anaesthetists(), 4))
    assert_sound(found)
    assert found.converged
    assert found.notes == ()
    assert found.prevalence == pytest.approx(PREVALENCE, abs=0.006)
    assert found.confusion == pytest.approx(np.array(ERROR_RATES) / 100, abs=0.01)


def test_the_1979_data_give_the_published_patient_classes():
    posterior = dawid_skene(counts_of(anaesthetists(), 4)).posterior
    uncertain = {patient: posterior[patient - 1].round(2).tolist() for patient in (7, 35, 38)}
    assert uncertain == {7: [0.98, 0.02, 0, 0], 35: [0, 0.95, 0.05, 0], 38: [0, 0.02, 0.98, 0]}
    assert (posterior.max(axis=1) > 0.99).sum() == 42


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_simulated_raters_are_recovered_and_beat_the_majority(seed: int, missing: float):
    quality = binary((0.97, 0.96), (0.9, 0.93), (0.6, 0.62), (0.58, 0.6), (0.55, 0.65))
    truth, ratings = simulate(seed, 4000, quality, [0.65, 0.35], missing)
    found = dawid_skene(counts_of(ratings, 2))
    assert_sound(found)
    rated = (ratings >= 0).any(axis=1)
    right = (found.labels == truth)[rated].mean()
    assert right > (majority(ratings, 2) == truth)[rated].mean() + 0.05
    assert found.confusion == pytest.approx(quality, abs=0.07)
    assert found.prevalence == pytest.approx([0.65, 0.35], abs=0.05)


def test_more_classes_than_two():
    rng = np.random.default_rng(1)
    quality = np.stack([np.full((5, 5), (1 - skill) / 4) + np.eye(5) * (skill - (1 - skill) / 4) for skill in
                        rng.uniform(0.35, 0.95, 7)])  # fmt: skip
    truth, ratings = simulate(4, 5000, quality, [0.4, 0.3, 0.15, 0.1, 0.05])
    found = dawid_skene(counts_of(ratings, 5))
    assert_sound(found)
    assert (found.labels == truth).mean() > (majority(ratings, 5) == truth).mean()


def test_posteriors_are_calibrated():
    truth, ratings = simulate(7, 20000, binary((0.8, 0.85), (0.75, 0.8), (0.7, 0.9), (0.85, 0.7)), [0.7, 0.3])
    probability = dawid_skene(counts_of(ratings, 2)).posterior[:, 1]
    for low in np.arange(0, 1, 0.2):
        chosen = (probability >= low) & (probability < low + 0.2)
        if chosen.sum() > 200:
            assert probability[chosen].mean() == pytest.approx(truth[chosen].mean(), abs=0.05)


def test_one_rater_is_repeated_and_noted():
    found = dawid_skene(counts_of(np.array([[0], [1], [1], [0]]), 2))
    assert_sound(found)
    assert found.labels.tolist() == [0, 1, 1, 0]
    assert "One rater" in found.notes[0]


def test_two_raters_are_noted_as_too_few():
    found = dawid_skene(counts_of(np.array([[0, 0], [1, 1], [1, 0], [0, 0]]), 2))
    assert_sound(found)
    assert "Two raters" in found.notes[0]


def test_a_rater_who_always_says_yes_changes_nothing():
    _, ratings = simulate(3, 3000, binary((0.9, 0.9), (0.85, 0.9), (0.8, 0.85)), [0.8, 0.2])
    without = dawid_skene(counts_of(ratings, 2))
    found = dawid_skene(counts_of(np.column_stack([ratings, np.ones(3000, int)]), 2))
    assert_sound(found)
    assert found.confusion[3] == pytest.approx(np.array([[0, 1], [0, 1]]))
    assert found.posterior == pytest.approx(without.posterior, abs=1e-3)


def test_a_class_that_nobody_used_has_no_prevalence_and_an_unknown_row():
    found = dawid_skene(counts_of(np.array([[0, 0, 1], [1, 1, 1], [0, 0, 0]]), 3))
    assert_sound(found)
    assert found.prevalence[2] == 0
    assert (found.posterior[:, 2] == 0).all()
    assert found.confusion[:, 2] == pytest.approx(1 / 3)
    assert "class 2" in found.notes[0]


def test_an_item_that_nobody_rated_gets_the_prevalence_and_no_label():
    ratings = np.array([[1, 1, 1], [-1, -1, -1], [0, 0, 1], [0, 0, 0]])
    found = dawid_skene(counts_of(ratings, 2))
    assert_sound(found)
    assert found.labels[1] == NO_LABEL
    assert found.posterior[1] == pytest.approx(found.prevalence)
    rest = dawid_skene(counts_of(np.delete(ratings, 1, axis=0), 2))
    assert found.posterior[[0, 2, 3]] == pytest.approx(rest.posterior)


def test_a_rater_without_ratings_has_uniform_rows():
    found = dawid_skene(counts_of(np.array([[1, 1, 0, -1], [0, 0, 0, -1]]), 2))
    assert_sound(found)
    assert found.confusion[3] == pytest.approx(0.5)


def test_unanimous_raters_leave_no_doubt():
    found = dawid_skene(counts_of(np.ones((5, 3), int), 2))
    assert_sound(found)
    assert found.labels.tolist() == [1] * 5
    assert found.prevalence.tolist() == [0, 1]


def test_the_iteration_limit_is_reported():
    _, ratings = simulate(2, 500, binary((0.7, 0.7), (0.7, 0.7), (0.7, 0.7)), [0.5, 0.5])
    found = dawid_skene(counts_of(ratings, 2), max_iterations=2)
    assert not found.converged
    assert found.iterations == 2
    assert "limit" in found.notes[-1]


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (np.zeros((3, 2, 2), int), "no rating at all"),
        (np.zeros((0, 2, 2), int), "no rating at all"),
        (np.ones((3, 2), int), "shape"),
        (np.ones((3, 2, 1), int), "shape"),
        (-np.ones((3, 2, 2), int), "negative"),
    ],
)
def test_unusable_counts_are_refused(counts: np.ndarray, message: str):
    with pytest.raises(ValueError, match=message):
        dawid_skene(counts)


@pytest.mark.parametrize(("ratings", "message"), [([[0, 2]], "from 0 to 1"), ([[0, -2]], "from 0"), ([0, 1], "shape")])
def test_unusable_ratings_are_refused(ratings: list, message: str):
    with pytest.raises(ValueError, match=message):
        counts_of(np.array(ratings), 2)


def test_a_hundred_thousand_images_take_seconds():
    _, ratings = simulate(5, 100_000, binary((0.9, 0.9), (0.8, 0.9), (0.7, 0.8), (0.6, 0.7)), [0.7, 0.3], 0.1)
    start = time.process_time()  # what others do on the machine does not count
    for _ in Pattern:
        assert dawid_skene(counts_of(ratings, 2)).converged
    assert time.process_time() - start < 8


def test_cohen_kappa_of_a_worked_example():
    first = np.repeat([1, 1, 0, 0], [20, 5, 10, 15])
    second = np.repeat([1, 0, 1, 0], [20, 5, 10, 15])
    assert cohen_kappa(first, second, 2) == pytest.approx(0.4)
    ratings = np.column_stack([first, second, np.full(50, -1)])
    kappas = cohen_kappas(ratings, 2)
    assert kappas[0, 1] == kappas[1, 0] == pytest.approx(0.4)
    assert np.isnan(kappas[2]).all()
    assert np.isnan(cohen_kappa(np.ones(4, int), np.ones(4, int), 2))


def test_kappas_of_many_raters_are_those_of_each_pair():
    _, ratings = simulate(9, 60, binary(*[(0.8, 0.7)] * 6), [0.6, 0.4], 0.5)
    kappas = cohen_kappas(ratings, 2)
    for first in range(6):
        for second in range(first):
            one, other = ratings[:, first], ratings[:, second]
            both = (one >= 0) & (other >= 0)
            one, other = one[both], other[both]
            chance = one.mean() * other.mean() + (1 - one.mean()) * (1 - other.mean())
            assert kappas[first, second] == pytest.approx(((one == other).mean() - chance) / (1 - chance))


def test_pairs_of_very_many_raters_take_seconds():
    _, ratings = simulate(10, 400, binary(*[(0.8, 0.7)] * 2500), [0.6, 0.4])
    start = time.process_time()
    assert np.isfinite(cohen_kappas(ratings, 2)[np.tril_indices(2500, -1)]).all()
    assert time.process_time() - start < 10


def test_a_tie_is_undecided():
    found = dawid_skene(counts_of(np.array([[1, 0], [1, 0]]), 2))
    assert found.labels.tolist() == [NO_LABEL, NO_LABEL]
    assert found.notes[-1] == "2 undecided: the most probable classes are equally probable, so there is no label."


def test_fleiss_kappa_of_a_worked_example():
    table = [[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
             [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]]  # fmt: skip
    assert fleiss_kappa(table) == pytest.approx(0.210, abs=5e-4)
    assert fleiss_kappa([*table, [1, 0, 0, 0, 0], [0, 0, 0, 0, 0]]) == fleiss_kappa(table)
    assert fleiss_kappa([[3, 0], [0, 3]]) == pytest.approx(1)
    assert np.isnan(fleiss_kappa([[3, 0], [3, 0]]))
    assert np.isnan(fleiss_kappa([[1, 0]]))
