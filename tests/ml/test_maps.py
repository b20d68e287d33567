"""Maps beside readers' cells and on masks: what is compared with what, by hand."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit

from ml.card import CODES
from ml.data.records import DataError
from ml.evaluation.maps import (
    OnCells,
    OnMasks,
    beside_readers,
    by_call,
    coverage,
    from_cells,
    inside_lesions,
    mean_of,
    served,
    table_4,
    targets,
)
from ml.evaluation.outputs import Outputs
from ml.evaluation.pattern_heads import PATTERNS
from ml.patterns import Pattern

PN, U, AT = (PATTERNS.index(pattern) for pattern in (Pattern.PN, Pattern.U, Pattern.AT))


def test_bcc_is_where_any_of_the_six_is_but_not_pigment_network() -> None:
    logits = np.full((1, 16, 7), -5.0)
    logits[0, 0, PN], logits[0, 5, U], logits[0, 11, AT] = 9.0, 1.0, 2.0
    maps = from_cells(logits)
    assert list(maps) == list(CODES[:8])
    assert maps["BCC"][0, 0, 0] == pytest.approx(expit(-5))
    assert maps["BCC"][0, 1, 1] == pytest.approx(expit(1))
    assert maps["BCC"][0, 2, 3] == pytest.approx(expit(2))
    assert maps["PN"][0, 0, 0] == pytest.approx(expit(9))


def outputs(names: str) -> Outputs:
    shares = np.arange(len(names) * len(CODES) * 16.0).reshape(len(names), len(CODES), 4, 4)
    nothing, empty = np.array(list(names)), np.empty((len(names), 0))
    return Outputs(
        nothing, np.array(list(names)), nothing, nothing, np.zeros(len(names), int), empty, empty, empty, empty, shares
    )


def test_served_maps_are_found_by_name() -> None:
    found = served(outputs("ABC"), ["C", "A"])
    assert list(found) == list(CODES)
    assert found["BCC"][:, 0, 0].tolist() == [2 * 160, 0]
    assert found["SCC"][1, 0, 0] == 9 * 16
    with pytest.raises(DataError, match="lack 1 images, such as X"):
        served(outputs("ABC"), ["A", "X"])


def test_only_images_that_show_a_target_count_for_it() -> None:
    maps = {code: np.random.default_rng(1).random((3, 4, 4)) for code in ("BCC", "U")}
    named = np.zeros((3, 16, 7))
    named[2, 5, U], named[1, 4, PN] = 1.0, 1.0
    shown = {"BCC": np.array([True, True, False]), "U": np.array([False, False, True])}
    found = targets(maps, named, shown, np.array(list("ABC")), {"U": np.array([True, True, False])})
    assert found["BCC"].group.tolist() == ["A", "B"]
    assert found["BCC"].called is None
    assert not found["BCC"].read.any()  # pigment network is none of the six
    assert found["U"].group.tolist() == ["C"]
    assert found["U"].read[0, 1, 1] == 1.0
    assert np.array_equal(found["U"].maps[0], maps["U"][2])
    assert found["U"].called is not None
    assert found["U"].called.tolist() == [False]


def test_energy_inside_the_cells_that_readers_agree_on() -> None:
    """The third image has no cell that half of its readers named."""
    maps, read = np.ones((3, 4, 4)), np.zeros((3, 4, 4))
    maps[0, 0, 0] = 17.0
    read[:2, 0, 0], read[2, 0, 0] = 0.5, 0.49
    row = beside_readers({"U": OnCells(maps, read, np.array(list("ABC")))}, resamples=10)["U"]
    assert row["images"] == 2
    assert row["inside"]["value"] == pytest.approx((17 / 32 + 1 / 16) / 2)


def test_coverage_is_of_the_analysed_square() -> None:
    mask = np.zeros((8, 16), bool)
    mask[:4, 4:8] = True  # the upper left quarter of the centre square
    mask[:, :4] = True  # not analysed
    covered = coverage(mask)
    assert covered[:2, :2].tolist() == [[1, 1], [1, 1]]
    assert covered.sum() == 4


def test_energy_inside_lesions_beside_their_area() -> None:
    mask = np.zeros((8, 8), bool)
    mask[:, :3] = True  # one column and a half of the four
    heatmap = np.zeros((4, 4))
    heatmap[:, 1] = 1.0
    found = inside_lesions(OnMasks([(heatmap, mask)] * 2, np.array(["A", "B"])), resamples=10)
    assert found["inside"]["value"] == pytest.approx(0.5)
    assert found["area"]["value"] == pytest.approx(3 / 8)
    assert inside_lesions(OnMasks([], np.array([])))["images"] == 0


def test_a_mean_leaves_out_what_is_unknown() -> None:
    assert mean_of(np.array([1.0, np.nan, 0.0]), np.array(list("ABC")), 10)["value"] == 0.5
    assert mean_of(np.array([np.nan]), np.array(["A"]), 10)["value"] is None


HALF = np.array([[1, 1], [0, 0]], bool)


def pair(inside: float, outside: float) -> tuple[np.ndarray, np.ndarray]:
    """A map of maximum 1, then the energy inside the mask less outside."""
    return np.array([[1.0, inside], [outside, 0.0]]), HALF


def test_correct_predictions_stand_beside_incorrect_ones() -> None:
    """Two images of lesion A are averaged; energies are (1 + i²) / 2 inside and o² / 2 outside."""
    pairs = [pair(1.0, 0.0), pair(0.0, 0.0), pair(1.0, 0.0), pair(0.0, 1.0), pair(0.5, 0.5)]
    called = np.array([True, True, True, False, False])
    found = by_call(OnMasks(pairs, np.array(list("AABCD")), called))
    assert found is not None
    assert found["correct"] == {"lesions": 2, "difference": pytest.approx((0.75 + 1.0) / 2)}
    assert found["incorrect"] == {"lesions": 2, "difference": pytest.approx((0.0 + 0.5) / 2)}
    welch = stats.ttest_ind([0.75, 1.0], [0.0, 0.5], equal_var=False).statistic
    assert found["z"] == pytest.approx(welch)
    assert found["p"] == pytest.approx(2 * stats.norm.sf(abs(welch)))
    assert by_call(OnMasks(pairs, np.array(list("AABCD")))) is None


def test_a_row_without_a_usable_pair_is_left_out() -> None:
    rows = {
        "U": OnMasks([pair(1.0, 0.5), pair(0.5, 0.0)], np.array(list("AB"))),
        "AT": OnMasks([(np.zeros((2, 2)), HALF)], np.array(["A"])),
    }
    found = table_4(rows, resamples=5)
    assert list(found) == ["U"]
    assert found["U"]["calls"] is None
    assert found["U"]["ratio"]["value"] == pytest.approx((2 + 1.5) / 0.5)
    assert found["U"]["p_bonferroni"] == found["U"]["p"]
