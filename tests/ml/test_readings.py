"""The readings as soft targets and cells."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from ml.data.readings import PATTERNS, read_readings
from ml.data.records import DataError
from ml.patterns import Pattern
from tests.ml.tiny_sets import Rows, table

U, AT = PATTERNS.index(Pattern.U), PATTERNS.index(Pattern.AT)


def write_readings(file: Path, cell: str = "b3 d1") -> Path:
    """Ten images, three readers; ulceration on the first five, where the third reader missed one."""
    ratings: Rows = [
        {"image": f"I{k}", "rater": f"r{r}", "pattern": p.value, "value": int(p is Pattern.U and k < 5 - (r == 2))}
        for k in range(10)
        for r in range(3)
        for p in Pattern
    ]
    regions: Rows = [{"image": "I0", "rater": f"r{r}", "pattern": "U", "cells": cell} for r in range(2)]
    images: Rows = [{"image": f"I{k}", "collection": "milk10k", "dx": "BCC"} for k in range(10)]
    with zipfile.ZipFile(file, "w") as archive:
        for name, rows in (("ratings", ratings), ("regions", regions), ("images", images)):
            archive.writestr(f"{name}.csv", table(rows))
    return file


def test_readers_are_merged_into_probabilities(tmp_path: Path) -> None:
    found = read_readings(write_readings(tmp_path / "readings.zip"))
    assert found.images[0] == "I0"
    assert (found.present[:5, U] > 0.5).all()
    assert (found.present[5:, U] < 0.5).all()
    assert (found.present[:, AT] < 0.5).all()
    assert 0.6 < found.kappa[U] < 1


def test_a_cell_is_where_the_protocol_says(tmp_path: Path) -> None:
    """Columns a to d from the left, rows 1 to 4 from the top."""
    cells = read_readings(write_readings(tmp_path / "readings.zip")).cells
    assert cells[0, U, 2, 1] == pytest.approx(2 / 3)  # two of three readers
    assert cells[0, U, 0, 3] == pytest.approx(2 / 3)
    assert np.count_nonzero(cells) == 2


@pytest.mark.parametrize("cell", ["b5", "e1"])
def test_a_cell_beyond_the_grid_is_refused(tmp_path: Path, cell: str) -> None:
    with pytest.raises(DataError, match="readings"):
        read_readings(write_readings(tmp_path / "readings.zip", cell))


def test_another_zip_is_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="readings"):
        read_readings(tmp_path)


def test_the_real_readings_are_as_described(shared: Path) -> None:
    found = read_readings(shared / "data" / "readings.zip")
    assert len(found.images) == 1839
    assert found.cells.max() == 1
