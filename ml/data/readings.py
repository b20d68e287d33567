"""The readings: seven patterns read on real images by several readers, merged into soft targets by our own consensus.

They are automated readings by a vision-language model, repeated independently under a written protocol.
No dermatologist has checked them: weak labels, wherever they are used.
"""

import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ml.consensus import consensus_by_pattern, fleiss_kappa, read_ratings
from ml.consensus.command import CLASSES
from ml.consensus.em import counts_of
from ml.data.records import DataError
from ml.patterns import Pattern
from ml.tables import read_table

EVIDENCE: Final = "weak labels: several automated readings merged; no dermatologist has checked them"
CELLS: Final = 4  # a side of the grid over the centre square
PATTERNS: Final = tuple(Pattern)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Readings:
    """N images: `present` (N, 7) the consensus' probability of each pattern, in the order of `PATTERNS`; `cells`
    (N, 7, 4, 4) the share of an image's readers who saw it there, rows from the top; `kappa` (7,) the readers'
    agreement (Fleiss)."""

    images: tuple[str, ...]
    collection: tuple[str, ...]
    present: Floats
    cells: Floats
    kappa: tuple[float, ...]

    def index(self) -> dict[str, int]:
        return {image: row for row, image in enumerate(self.images)}


def read_readings(path: Path) -> Readings:
    """The zip, or the folder it unpacks to: ratings.csv, regions.csv, images.csv. Raises `DataError`."""
    try:
        root: Path | zipfile.Path = path if path.is_dir() else zipfile.Path(path)
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "ratings.csv"
            file.write_bytes(root.joinpath("ratings.csv").read_bytes())
            ratings = read_ratings(file)
        regions = _rows(root.joinpath("regions.csv").read_bytes(), ("image", "pattern", "cells"))
        about = _rows(root.joinpath("images.csv").read_bytes(), ("image", "collection"))
        collection = {row["image"]: row["collection"] for row in about}
        merged = consensus_by_pattern(ratings)
        counts = [counts_of(ratings.of(pattern), CLASSES).sum(axis=1) for pattern in PATTERNS]
        return Readings(
            images=ratings.images,
            collection=tuple(collection[image] for image in ratings.images),
            present=np.stack([merged[pattern].posterior[:, 1] for pattern in PATTERNS], axis=1),
            cells=_cells(regions, ratings.images, (ratings.values >= 0).any(axis=2).sum(axis=1)),
            kappa=tuple(fleiss_kappa(table) for table in counts),
        )
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is not the readings' folder or zip this expects: {error}.") from error


def _rows(content: bytes, required: Sequence[str]) -> list[Mapping[str, str]]:
    return [row.fields for row in read_table(content, required)]


def _cells(regions: list[Mapping[str, str]], images: tuple[str, ...], readers: npt.NDArray[np.int64]) -> Floats:
    """ "b3" is the second column from the left, the third row from the top."""
    row_of, pattern_of = ({name: k for k, name in enumerate(names)} for names in (images, PATTERNS))
    seen: dict[tuple[int, int, int, int], int] = defaultdict(int)
    for region in regions:
        for cell in set(region["cells"].split()):
            column, row = "abcd".index(cell[0]), int(cell[1]) - 1
            if not 0 <= row < CELLS:
                raise ValueError(f"{cell} is no cell of the grid")
            seen[row_of[region["image"]], pattern_of[Pattern(region["pattern"])], row, column] += 1
    cells = np.zeros((len(images), len(PATTERNS), CELLS, CELLS))
    for place, number in seen.items():
        cells[place] = number
    shares: Floats = cells / np.maximum(readers, 1)[:, None, None, None]
    return shares
