"""ISIC 2019 images of other clinics (BCN_20000) at 84 × 84 pixels: more lesions, and a second site to check on.

Source: Combalia et al., arXiv 1908.02288, and Codella et al., arXiv 1710.05006, CC BY-NC. Texture is gone at this
size, so the images teach BCC and lesion type alone. Those of MSK are left out: their lesions are in ISIC 2018 Task 2.
"""

import csv
import io
import zipfile
from pathlib import Path
from typing import Final

from PIL import Image

from ml.datasets import DataError, Record
from ml.decoding import UnreadableImage, decode
from ml.patterns import Lesion

SIDE: Final = 84
_CLINIC: Final = "BCN_"
# HAM10000 has no squamous cell carcinoma and calls actinic keratosis and Bowen's disease akiec.
_LESIONS: Final = {"ak": Lesion.AKIEC, "scc": None}


class Isic2019LowResolution:
    """The data set at `path`: the zip, or the folder it unpacks to. Raises `DataError`."""

    def __init__(self, path: Path) -> None:
        try:
            self._root: Path | zipfile.Path = path if path.is_dir() else zipfile.Path(path)
            rows = csv.DictReader(io.StringIO(self._read("metadata.csv").decode()))
            self.records = [_record(row) for row in rows if row["lesion_id"].startswith(_CLINIC)]
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise DataError(f"{path} is not the ISIC 2019 folder or zip this expects: {error}.") from error

    def image(self, record: Record) -> Image.Image:
        """The decoded picture. Raises `DataError`."""
        try:
            return decode(self._read(f"images/{record.image_id}.jpg"))
        except (OSError, KeyError, UnreadableImage) as error:
            raise DataError(f"Image {record.image_id} of the data set cannot be read: {error}") from error

    def _read(self, name: str) -> bytes:
        return self._root.joinpath(name).read_bytes()


def _record(row: dict[str, str]) -> Record:
    return Record(
        image_id=row["image_id"],
        group=row["lesion_id"],
        lesion=_LESIONS[row["dx"]] if row["dx"] in _LESIONS else Lesion(row["dx"]),
        sex=row["sex"],
        age=float(row["age"]) if row["age"] else None,
        site=row["site"],
    )
