"""Multilabel folds: whole groups, even shares, the same for everyone."""

import numpy as np
import pytest

from ml.training.folds import deal


def hospital(seed: int, lesions: int = 600) -> tuple[np.ndarray, list[str]]:
    """Seven patterns from 0.5 % to 40 % that go together, one to four images a lesion that need not show the same."""
    generator = np.random.default_rng(seed)
    scores = generator.normal(size=(lesions, 1)) + generator.normal(size=(lesions, 7))
    shares = np.array([0.4, 0.3, 0.2, 0.1, 0.05, 0.02, 0.005])
    of_lesion = scores > [np.quantile(column, 1 - share) for column, share in zip(scores.T, shares, strict=True)]
    lesion_of_image = np.repeat(np.arange(lesions), generator.integers(1, 5, lesions))
    seen = generator.random((len(lesion_of_image), 7)) < 0.8
    return of_lesion[lesion_of_image] & seen, [f"lesion {number}" for number in lesion_of_image]


def lesions_with(labels: np.ndarray, groups: list[str], folds: np.ndarray, count: int) -> np.ndarray:
    """How many lesions of each fold have each label at least once, and how many there are at all: (folds, L + 1)."""
    rows = []
    for fold in range(count):
        inside = {
            group: np.zeros(labels.shape[1], bool) for group, own in zip(groups, folds, strict=True) if own == fold
        }
        for label, group, own in zip(labels, groups, folds, strict=True):
            if own == fold:
                inside[group] |= label
        rows.append([*np.sum(list(inside.values()), axis=0), len(inside)])
    return np.array(rows)


@pytest.mark.parametrize("folds", [2, 5, 10])
@pytest.mark.parametrize("seed", range(4))
def test_every_label_and_the_size_have_the_same_share_in_every_fold(seed: int, folds: int) -> None:
    labels, groups = hospital(seed)
    found = deal(labels, groups, folds, seed=1)
    assert set(found) == set(range(folds))
    counts = lesions_with(labels, groups, found, folds)
    assert np.abs(counts - counts.mean(axis=0)).max() <= 2


def test_no_group_is_in_two_folds() -> None:
    labels, groups = hospital(1)
    found = deal(labels, groups, 5, seed=1)
    assert len(set(zip(groups, found, strict=True))) == len(set(groups))


def test_it_is_evener_than_chance() -> None:
    labels, groups = hospital(2)
    names = sorted(set(groups))
    drawn = dict(zip(names, np.random.default_rng(1).integers(0, 5, len(names)), strict=True))

    def largest_surplus(folds: np.ndarray) -> float:
        counts = lesions_with(labels, groups, folds, 5)
        return float((counts - counts.mean(axis=0)).max())

    by_chance = np.array([drawn[group] for group in groups])
    assert largest_surplus(deal(labels, groups, 5, seed=1)) < 0.25 * largest_surplus(by_chance)


def test_labels_that_a_rarer_one_does_not_decide_are_dealt_evenly() -> None:
    """Ten groups of each of three labels, no two together, over five folds: two of each in every fold."""
    labels = np.repeat(np.eye(3, dtype=bool), 10, axis=0)
    found = deal(labels, [str(number) for number in range(30)], 5, seed=3)
    assert (lesions_with(labels, [str(number) for number in range(30)], found, 5) == [2, 2, 2, 6]).all()


def test_a_rare_label_reaches_as_many_folds_as_it_can() -> None:
    labels = np.zeros((50, 2), bool)
    labels[:, 0] = True
    labels[:4, 1] = True
    found = deal(labels, [str(number) for number in range(50)], 5, seed=1)
    assert len(set(found[:4])) == 4
    assert np.bincount(found).tolist() == [10] * 5


def test_folds_depend_on_the_seed_and_not_on_the_order_of_the_items() -> None:
    labels, groups = hospital(3)
    order = np.random.default_rng(1).permutation(len(groups))
    found = deal(labels, groups, 5, seed=1)
    assert (deal(labels[order], [groups[index] for index in order], 5, seed=1) == found[order]).all()
    assert (deal(labels, groups, 5, seed=2) != found).any()
    assert deal([[1, 0], [0, 1], [1, 1], [0, 0]], list("abcd"), 2, seed=1).tolist() == [0, 0, 1, 1]  # pinned


def test_items_without_any_label_still_have_a_fold() -> None:
    found = deal(np.zeros((9, 0), bool), [str(number) for number in range(9)], 3, seed=1)
    assert np.bincount(found).tolist() == [3, 3, 3]
    assert deal(np.zeros((0, 3), bool), [], 5, seed=1).tolist() == []
    assert deal([[True], [False]], ["a", "b"], 1, seed=1).tolist() == [0, 0]


def test_unusable_labels_are_refused() -> None:
    for labels, folds in (([True, False], 2), ([[True]], 2), ([[True], [False]], 0)):
        with pytest.raises(ValueError, match="one row for each of 2 items"):
            deal(labels, ["a", "b"], folds, seed=1)
