"""Labelled images as records: what every data set provides, whatever its source."""

import io
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final, Protocol, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.data.diagnoses import diagnosis
from ml.imaging.decoding import UnreadableImage, decode
from ml.patterns import Lesion
from ml.tables import read_table

COLUMNS: Final = ("image_id", "lesion_id", "dx")


class DataError(Exception):
    """The data set cannot be used; the message says why in plain words."""


@dataclass(frozen=True)
class Record:
    """One image. `group` is its lesion, the unit of every split; `lesion` its type."""

    image_id: str
    group: str
    lesion: Lesion
    sex: str
    age: float | None
    site: str

    @classmethod
    def of(cls, row: Mapping[str, str], *, group: str = "", site: str = "site") -> Self:
        """From a row of metadata.csv. `group`: instead of its lesion_id; `site`: the column of the body site."""
        return cls(
            image_id=row["image_id"],
            group=group or row["lesion_id"],
            lesion=diagnosis(row["dx"]),
            sex=row["sex"],
            age=float(row["age"]) if row["age"] else None,
            site=row[site],
        )

    @property
    def bcc(self) -> bool:
        return self.lesion is Lesion.BCC


class Photographs(Protocol):
    """Anything that can show the image of a record."""

    def image(self, record: Record) -> Image.Image: ...


class DataSet(ABC):
    """Labelled images at `path`: a zip with a metadata.csv, or the folder it unpacks to. Raises `DataError`."""

    name: ClassVar[str]

    def __init__(self, path: Path) -> None:
        try:
            # A folder and a zip share the few path methods used here.
            self._root: Path | zipfile.Path = path if path.is_dir() else zipfile.Path(path)
            self.rows = self._table("metadata.csv", COLUMNS)
            self.records = self._records()
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise DataError(f"{path} is not the {self.name} folder or zip this expects: {error}.") from error

    @abstractmethod
    def _records(self) -> list[Record]:
        """One record per usable row of metadata.csv, in order."""

    def image(self, record: Record) -> Image.Image:
        """The decoded image. Raises `DataError`."""
        try:
            return decode(self._read(f"images/{record.image_id}.jpg"))
        except (OSError, KeyError, UnreadableImage) as error:
            raise DataError(f"Image {record.image_id} of the data set cannot be read: {error}") from error

    def _mask(self, name: str) -> npt.NDArray[np.bool_]:
        """The mask of that name as booleans, (H, W). Raises `DataError`."""
        try:
            with Image.open(io.BytesIO(self._read(name))) as image:
                mask: npt.NDArray[np.bool_] = np.asarray(image.convert("L")) > 127
        except (OSError, KeyError) as error:
            raise DataError(f"The mask {name} of the data set cannot be read: {error}") from error
        return mask

    def _table(self, name: str, required: Sequence[str]) -> list[Mapping[str, str]]:
        return [row.fields for row in read_table(self._read(name), required)]

    def _read(self, name: str) -> bytes:
        return self._root.joinpath(name).read_bytes()
