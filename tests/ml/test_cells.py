"""Maps as shares of 4 × 4 cells, beside the cells that readers named."""

import numpy as np
import pytest

from ml.evaluation.cells import CELLS, against_readers, shares


def test_cells_are_named_from_the_top_left() -> None:
    assert CELLS[0] == "a1"
    assert CELLS[3] == "d1"
    assert CELLS[-1] == "d4"


def test_energy_is_shared_by_where_it_lies() -> None:
    maps = np.zeros((2, 8, 8))
    maps[0, 0, 7] = 3.0  # top right
    maps[0, 7, 0] = 1.0
    found = shares(maps)
    assert found[0, 0, 3] == 0.75
    assert found[0, 3, 0] == 0.25
    assert np.isnan(found[1]).all()


@pytest.mark.parametrize("size", [6, 7, 12, 28])
def test_a_flat_map_of_any_size_has_equal_shares(size: int) -> None:
    assert np.allclose(shares(np.ones((1, size, size))), 1 / 16)


def test_maps_that_lie_in_the_readers_cells_have_a_high_ratio() -> None:
    read = np.zeros((40, 4, 4))
    read[:, 1, 1] = 1.0
    read[:, 1, 2] = 0.25  # named by one reader: not marked, but not missed either
    right, wrong = np.full((40, 4, 4), 0.02), np.full((40, 4, 4), 0.02)
    right[:, 1, 1], wrong[:, 3, 3] = 0.7, 0.7
    lesions = np.array([f"G{k}" for k in range(40)])
    found = against_readers(right, read, lesions, resamples=10)
    assert found.images == 40
    assert found.ratio["value"] == pytest.approx(35)
    assert found.missed["value"] == 0
    astray = against_readers(wrong, read, lesions, resamples=10)
    assert astray.ratio["value"] is not None
    assert astray.ratio["value"] < 1
    assert astray.missed["value"] == 1


def test_images_without_a_map_or_a_marked_cell_say_nothing() -> None:
    share, read = np.full((3, 4, 4), 1 / 16), np.zeros((3, 4, 4))
    share[0], read[0, 0, 0], read[1, 0, 0] = np.nan, 1.0, 1.0
    assert against_readers(share, read, np.array(["A", "B", "C"]), resamples=10).images == 1
    nothing = against_readers(share, np.zeros((3, 4, 4)), np.array(["A", "B", "C"]), resamples=10)
    assert nothing.images == 0
    assert nothing.ratio["value"] is None
