"""Reads ratings from a CSV file and writes the reference to another."""

import csv
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ml.consensus.em import NO_LABEL, Consensus
from ml.patterns import Pattern
from ml.tables import Row, TableError, read_table

COLUMNS = ("image", "rater", "pattern", "value")
VALUES = {"0": 0, "1": 1, "": -1}
MISSING = -1
UNDECIDED = "undecided"


class RatingsError(ValueError):
    """A ratings file that cannot be used; the message names the row, as a text editor counts them."""


@dataclass(frozen=True)
class Ratings:
    """``values`` (images, raters, 7): 1 present, 0 absent, -1 not assessed; patterns in the paper's order."""

    images: tuple[str, ...]
    raters: tuple[str, ...]
    values: npt.NDArray[np.int8]

    def of(self, pattern: Pattern) -> npt.NDArray[np.int8]:
        """The (images, raters) ratings of one pattern."""
        return self.values[:, :, list(Pattern).index(pattern)]


def read_ratings(path: Path) -> Ratings:
    """Read a table (see `ml.tables`) with the columns image, rater, pattern, value; other columns are ignored.

    A value is 1 (present), 0 (absent) or blank (cannot tell, the same as no row). Raises RatingsError for a missing
    column, an empty name, an unknown pattern, any other value, a repeated rating, or a file without ratings.
    """
    try:
        return _collect(read_table(path.read_bytes(), COLUMNS))
    except TableError as error:
        raise RatingsError(str(error)) from error


def _collect(rows: Iterator[Row]) -> Ratings:
    images: dict[str, int] = {}
    raters: dict[str, int] = {}
    patterns = {pattern.value: index for index, pattern in enumerate(Pattern)}
    cells = array("q")
    for number, fields in rows:
        image, rater, pattern, value = (fields[column] for column in COLUMNS)
        if pattern not in patterns or value not in VALUES or not image or not rater:
            raise RatingsError(f"Row {number}: {_fault(image, rater, pattern, value)}")
        place = images.setdefault(image, len(images)), raters.setdefault(rater, len(raters))
        cells.extend((*place, patterns[pattern], VALUES[value], number))
    if not cells:
        raise RatingsError("The file has no rating.")
    table = np.frombuffer(cells, dtype=np.int64).reshape(-1, 5)
    _refuse_repeats(table, (len(images), len(raters), len(patterns)))
    values = np.full((len(images), len(raters), len(patterns)), MISSING, np.int8)
    values[table[:, 0], table[:, 1], table[:, 2]] = table[:, 3]
    return Ratings(tuple(images), tuple(raters), values)


def _fault(image: str, rater: str, pattern: str, value: str) -> str:
    """What is wrong with a row known to be invalid."""
    if not image or not rater:
        return f"the {'rater' if image else 'image'} is empty."
    if pattern not in [known.value for known in Pattern]:
        return f"{pattern!r} is no pattern; known are {', '.join(Pattern)}."
    return f"{value!r} is no rating; it is 1, 0 or blank."


def _refuse_repeats(table: npt.NDArray[np.int64], shape: tuple[int, int, int]) -> None:
    keys = np.ravel_multi_index((table[:, 0], table[:, 1], table[:, 2]), shape)
    order = np.argsort(keys, kind="stable")
    repeated = np.flatnonzero(keys[order][1:] == keys[order][:-1])
    if repeated.size:
        first, again = min(((int(order[at]), int(order[at + 1])) for at in repeated), key=lambda pair: pair[1])
        raise RatingsError(f"Row {table[again, 4]}: repeats the image, rater and pattern of row {table[first, 4]}.")


def write_reference(path: Path, ratings: Ratings, found: Mapping[Pattern, Consensus]) -> None:
    """Write image, pattern, posterior (of presence), label and number of ratings, one row per image and pattern.

    Posterior and label are blank for a pattern without a consensus; the label is blank if nobody rated the image, and
    "undecided" if presence and absence are equally probable.
    """
    given = {pattern: (ratings.of(pattern) != MISSING).sum(axis=1) for pattern in Pattern}
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target)
        writer.writerow(["image", "pattern", "posterior", "label", "ratings"])
        for index, image in enumerate(ratings.images):
            for pattern in Pattern:
                writer.writerow(
                    [
                        image,
                        pattern.value,
                        *_outcome(found.get(pattern), index, given[pattern][index]),
                        given[pattern][index],
                    ]
                )


def _outcome(consensus: Consensus | None, index: int, ratings: int) -> tuple[str, str]:
    if consensus is None:
        return "", ""
    label = int(consensus.labels[index])
    without = UNDECIDED if ratings else ""
    return f"{consensus.posterior[index, 1]:.6f}", without if label == NO_LABEL else str(label)
