"""Labelled images as records and splits: by lesion, never by image, the same for everyone with the same seed.

Source of HAM10000: Tschandl, Rosendahl, Kittler, Scientific Data 5:180161 (2018), CC BY-NC.
"""

import csv
import hashlib
import io
import zipfile
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.decoding import UnreadableImage, decode
from ml.patterns import Lesion

# Two "lesions" that show the same picture (ISIC_0025226, ISIC_0030074): one group, or a split would leak.
_SAME_LESION: Final = {"HAM_0004919": "HAM_0000140"}
FOLDS: Final = 20


class DataError(Exception):
    """The data set cannot be used; the text says why in plain words."""


class Split(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


# Twentieths of the lesions: 20 % test, 15 % validation; any five-fold scheme is four of them at a time.
_HELD_OUT: Final = {Split.TEST: range(0, 4), Split.VALIDATION: range(4, 7)}


@dataclass(frozen=True)
class Record:
    """One image. `group` is the lesion, and what splits are made of; `lesion` is None for other types."""

    image_id: str
    group: str
    lesion: Lesion | None
    sex: str
    age: float | None
    site: str

    @property
    def bcc(self) -> bool:
        return self.lesion is Lesion.BCC


class DataSet(ABC):
    """Images with labels at `path`: a zip, or the folder it unpacks to, with metadata.csv. Raises `DataError`."""

    name: ClassVar[str]

    def __init__(self, path: Path) -> None:
        try:
            # A folder and a zip answer to the same few methods of a path.
            self._root: Path | zipfile.Path = path if path.is_dir() else zipfile.Path(path)
            self.rows = list(csv.DictReader(io.StringIO(self._read("metadata.csv").decode())))
            self.records = self._records()
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise DataError(f"{path} is not the {self.name} folder or zip this expects: {error}.") from error

    @abstractmethod
    def _records(self) -> list[Record]:
        """What the rows of metadata.csv say, in their order."""

    def image(self, record: Record) -> Image.Image:
        """The decoded picture. Raises `DataError`."""
        try:
            return decode(self._read(f"images/{record.image_id}.jpg"))
        except (OSError, KeyError, UnreadableImage) as error:
            raise DataError(f"Image {record.image_id} of the data set cannot be read: {error}") from error

    def _mask(self, name: str) -> npt.NDArray[np.bool_]:
        """What is marked in the mask of that name, (H, W). Raises `DataError`."""
        try:
            with Image.open(io.BytesIO(self._read(name))) as image:
                mask: npt.NDArray[np.bool_] = np.asarray(image.convert("L")) > 127
        except (OSError, KeyError) as error:
            raise DataError(f"The mask {name} of the data set cannot be read: {error}") from error
        return mask

    def _read(self, name: str) -> bytes:
        return self._root.joinpath(name).read_bytes()


class Ham10000(DataSet):
    name = "HAM10000"

    def _records(self) -> list[Record]:
        return [_record(row) for row in self.rows]

    def mask(self, record: Record) -> npt.NDArray[np.bool_]:
        """The lesion in that picture, (H, W). Raises `DataError`."""
        return self._mask(f"masks/{record.image_id}.png")


def _record(row: dict[str, str]) -> Record:
    return Record(
        image_id=row["image_id"],
        group=_SAME_LESION.get(row["lesion_id"], row["lesion_id"]),
        lesion=Lesion(row["dx"]),
        sex=row["sex"],
        age=float(row["age"]) if row["age"] else None,
        site=row["localization"],
    )


def assign_folds(records: Iterable[Record], seed: int, folds: int = FOLDS) -> dict[str, int]:
    """Deal the lesions of each type round the folds in a seeded order: group → fold.

    The order is a hash of seed and lesion, so it depends neither on the file's order nor on a library's generator.
    """
    groups = {record.group: record.lesion or "" for record in records}
    strata: dict[str, list[str]] = defaultdict(list)
    for group, lesion in groups.items():
        strata[lesion].append(group)
    dealt = [group for lesion in sorted(strata) for group in sorted(strata[lesion], key=lambda g: _order(g, seed))]
    return {group: index % folds for index, group in enumerate(dealt)}


def _order(group: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{group}".encode()).digest()


def split_of(twentieth: int) -> Split:
    return next((split for split, held_out in _HELD_OUT.items() if twentieth in held_out), Split.TRAIN)


def split_by_lesion(records: Sequence[Record], seed: int, fold: int = 0) -> dict[Split, list[Record]]:
    """The records of each split; no lesion is in two of them. `fold` 0 to 4: whose turn it is to be the test."""
    twentieths = assign_folds(records, seed)
    parts: dict[Split, list[Record]] = {split: [] for split in Split}
    for record in records:
        parts[split_of((twentieths[record.group] - 4 * fold) % FOLDS)].append(record)
    return parts
