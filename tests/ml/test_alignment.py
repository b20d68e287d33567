"""Table 4's statistics by hand on tiny maps, and its tests against scipy and published examples."""

import json

import numpy as np
import pytest
from scipy import stats

from ml.evaluation.alignment import (
    BINS,
    Alignment,
    Energies,
    align,
    cohens_d,
    intersection_area,
    square_of,
    table,
    two_sided,
    values_on_mask,
    z_between,
    z_score,
)
from tests.ml.support import numbers


def mask(rows: list[list[int]]) -> np.ndarray:
    return np.array(rows, bool)


def test_one_image_by_hand() -> None:
    """Equal sizes, hence no interpolation. Normalised by 4: inside 1 and 0.5, outside 0.25 and 0."""
    row = align([(np.array([[4.0, 2.0], [1.0, 0.0]]), mask([[1, 1], [0, 0]]))])
    assert (row.images, row.skipped) == (1, 0)
    assert (row.mean_inside, row.sd_inside) == pytest.approx((0.75, 0.25))
    assert (row.mean_outside, row.sd_outside) == pytest.approx((0.125, 0.125))
    assert (row.energy_inside, row.energy_outside) == pytest.approx(((1 + 0.25) / 2, 0.0625 / 2))
    assert row.ratio["value"] == pytest.approx(6)
    assert row.intersection == 0
    assert (row.p, row.cohens_d) == (None, None)


def test_densities_integrate_to_one_and_lie_in_their_bins() -> None:
    row = align([(np.array([[4.0, 2.0], [1.0, 0.0]]), mask([[1, 1], [0, 0]]))])
    assert np.sum(row.inside) / BINS == pytest.approx(1)
    assert np.sum(row.outside) / BINS == pytest.approx(1)
    assert (np.flatnonzero(row.inside) / BINS).tolist() == [0.5, 0.98]  # the last bin holds 1.0
    assert (np.flatnonzero(row.outside) / BINS).tolist() == [0.0, 0.24]


def test_densities_weigh_pixels_equally_and_energies_images() -> None:
    small = (np.array([[1.0, 0.0]]).repeat(2, axis=0), mask([[1, 0], [1, 0]]))
    large = (np.array([[0.0, 1.0]]).repeat(2, axis=0), np.repeat(np.repeat(mask([[1, 0], [1, 0]]), 2, 0), 2, 1))
    row = align([small, large])
    assert row.mean_inside < 0.5  # sixteen cells against four
    assert row.energy_inside == pytest.approx(0.5, abs=0.05)


def test_the_map_covers_only_the_analysed_square() -> None:
    """In a wide image the outer thirds are not analysed, whatever is marked there."""
    whole = np.zeros((40, 120), bool)
    whole[:, :40] = True
    whole[:, 40:60] = True
    assert square_of(whole).shape == (40, 40)
    assert square_of(whole)[:, :20].all()
    assert not square_of(whole)[:, 20:].any()
    row = align([(np.array([[1.0, 0.0], [1.0, 0.0]]), whole)])
    assert row.mean_inside > 0.8 > 0.2 > row.mean_outside


def test_values_are_those_of_the_overlay() -> None:
    from ml.card import Place
    from ml.results import Heatmap

    raw = np.random.default_rng(1).random((7, 7)).astype(np.float32) * 3
    image = Heatmap(raw, Place(float(raw.max()), 0.0)).scaled(56)
    assert image is not None
    values = values_on_mask(raw, np.zeros((56, 56), bool))
    assert values is not None
    np.testing.assert_allclose(values, np.asarray(image) / 255, atol=1 / 255)


def test_unusable_images_are_counted_and_left_out() -> None:
    heatmap, half = np.array([[1.0, 0.0]] * 2), mask([[1, 0], [1, 0]])
    silent = [(np.zeros((2, 2)), half), (heatmap, np.zeros((2, 2), bool)), (heatmap, np.ones((2, 2), bool))]
    row = align([*silent, (heatmap, half)])
    assert (row.images, row.skipped) == (1, 3)
    assert row.mean_inside == 1
    assert row.ratio["value"] is None  # nothing lights up outside
    with pytest.raises(ValueError, match="No image has both"):
        align(silent)


def test_intersection_area() -> None:
    flat, left, right = np.ones(4), np.array([2.0, 2, 0, 0]), np.array([0.0, 0, 2, 2])
    assert intersection_area(flat, flat) == 1
    assert intersection_area(left, right) == 0
    assert intersection_area(flat, left) == 0.5


def test_cohens_d_by_hand() -> None:
    """Means 4 and 2, both variances 1: d = 2."""
    assert cohens_d(Energies(np.array([3.0, 4, 5]), np.array([1.0, 2, 3]))) == pytest.approx(2)
    assert cohens_d(Energies(np.array([1.0, 1]), np.array([1.0, 1]))) is None


def test_z_is_the_mean_over_its_standard_error() -> None:
    """As the statistic of a one-sample t-test, but judged by the normal distribution."""
    differences = np.random.default_rng(1).normal(0.2, 1, 40)
    z = z_score(differences)
    assert z is not None
    assert z == pytest.approx(stats.ttest_1samp(differences, 0).statistic)
    assert two_sided(z) == pytest.approx(2 * stats.norm.cdf(-abs(z)))
    assert two_sided(1.959964) == pytest.approx(0.05, abs=1e-6)
    assert two_sided(-1.959964) == pytest.approx(0.05, abs=1e-6)


def test_z_between_two_groups_is_welchs() -> None:
    generator = np.random.default_rng(2)
    first, second = generator.normal(0, 1, 30), generator.normal(1, 3, 50)
    assert z_between(first, second) == pytest.approx(stats.ttest_ind(first, second, equal_var=False).statistic)
    assert z_between(first, second[:1]) is None


def test_without_any_difference_there_is_no_test() -> None:
    assert z_score(np.ones(5)) is None
    assert z_score(np.array([1.0])) is None
    assert two_sided(None) is None


def test_images_of_a_lesion_are_averaged_before_they_are_tested() -> None:
    found = Energies(np.array([1.0, 3.0, 5.0]), np.array([0.0, 0.0, 1.0])).by_lesion(["A", "A", "B"])
    assert found.inside.tolist() == [2.0, 5.0]
    assert found.difference.tolist() == [2.0, 4.0]


def row_with(p: float | None) -> Alignment:
    return Alignment(1, 0, (1.0,), (1.0,), 0.5, 0.1, 0.2, 0.1, 0.3, 0.3, 0.1, 1.0, None, p, {})


def test_corrections_by_hand() -> None:
    """Benjamini–Hochberg of 0.01, 0.04, 0.03: 0.01·3/1, 0.04·3/3, min(0.03·3/2, 0.04)."""
    rows = table({"PN": row_with(0.01), "U": row_with(0.04), "AT": row_with(0.03), "SW": row_with(None)})
    assert [rows[name]["p_bonferroni"] for name in ("PN", "U", "AT")] == pytest.approx([0.03, 0.12, 0.09])
    assert [rows[name]["p_benjamini_hochberg"] for name in ("PN", "U", "AT")] == pytest.approx([0.03, 0.04, 0.04])
    assert rows["SW"]["p_bonferroni"] is rows["SW"]["p_benjamini_hochberg"] is None
    json.dumps(rows, allow_nan=False)
    assert table({"PN": row_with(0.9), "U": row_with(0.8)})["PN"]["p_bonferroni"] == 1


def test_maps_that_follow_the_mask_are_found_and_random_ones_are_not() -> None:
    generator = np.random.default_rng(1)

    def pairs(weight: float) -> list[tuple[np.ndarray, np.ndarray]]:
        masks = [generator.random((14, 14)) < 0.3 for _ in range(40)]
        return [(weight * m + generator.random((14, 14)), m) for m in masks]

    following, random = align(pairs(1.0)), align(pairs(0.0))
    low, value, high = numbers(following.ratio)
    assert 2 < low < value < high
    assert following.p is not None
    assert following.p < 1e-6
    assert following.cohens_d is not None
    assert following.cohens_d > 2
    assert following.intersection < 0.2
    low, _, high = numbers(random.ratio)
    assert low < 1 < high
    assert random.intersection > 0.85
    assert random.p is not None
    assert random.p > 0.01


def test_the_rows_test_is_over_lesions() -> None:
    generator = np.random.default_rng(2)
    pairs = [(generator.random((2, 2)), mask([[1, 1], [0, 0]])) for _ in range(30)]
    lesions = [str(number // 3) for number in range(30)]
    row = align(pairs, lesions, resamples=5)
    energies = [[(heatmap / heatmap.max())[rows] ** 2 for rows in (0, 1)] for heatmap, _ in pairs]
    gaps = np.array([inside.mean() - outside.mean() for inside, outside in energies])
    assert row.z == pytest.approx(stats.ttest_1samp(gaps.reshape(10, 3).mean(axis=1), 0).statistic)
    assert row.p == pytest.approx(two_sided(row.z))


def test_the_ratios_interval_counts_lesions() -> None:
    """Ten copies of each image of a lesion are no more evidence than one."""
    generator = np.random.default_rng(4)
    masks = [generator.random((14, 14)) < 0.3 for _ in range(12)]
    pairs = [(0.6 * m + generator.random((14, 14)), m) for m in masks]
    names = [str(number) for number in range(12)]

    def width(row: Alignment) -> float:
        low, _, high = numbers(row.ratio)
        return high - low

    alone = width(align(pairs, names))
    assert width(align(pairs * 10, names * 10)) == pytest.approx(alone, rel=0.01)
    assert width(align(pairs * 10)) < 0.5 * alone
