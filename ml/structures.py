"""ISIC 2018 Task 2: dermoscopic structures marked by experts; the labels of the pigment-network head.

Source: Codella et al., arXiv 1902.03368, and Tschandl et al. (2018), CC BY-NC. No image of the set is a BCC, and of our
seven patterns the experts marked pigment network only.
"""

import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.datasets import DataError, Record
from ml.decoding import UnreadableImage, decode
from ml.patterns import Lesion
from ml.preprocessing import region


class Isic2018Task2:
    """The data set at `path`: the zip, or the folder it unpacks to. Raises `DataError`."""

    def __init__(self, path: Path) -> None:
        try:
            self._root: Path | zipfile.Path = path if path.is_dir() else zipfile.Path(path)
            rows = list(csv.DictReader(io.StringIO(self._read("metadata.csv").decode())))
            self.records = [_record(row) for row in rows]
            self._network = {row["image_id"]: bool(int(row["pigment_network"])) for row in rows}
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise DataError(f"{path} is not the ISIC 2018 Task 2 folder or zip this expects: {error}.") from error

    def pigment_network(self, record: Record) -> bool:
        """Whether the experts marked pigment network somewhere in the image."""
        return self._network[record.image_id]

    def image(self, record: Record) -> Image.Image:
        """The decoded picture. Raises `DataError`."""
        try:
            return decode(self._read(f"images/{record.image_id}.jpg"))
        except (OSError, KeyError, UnreadableImage) as error:
            raise DataError(f"Image {record.image_id} of the data set cannot be read: {error}") from error

    def network_mask(self, record: Record) -> npt.NDArray[np.bool_]:
        """Where the experts marked it, (h, w) over the whole image at a size of its own; empty where they did not.

        Raises `DataError`.
        """
        if not self.pigment_network(record):
            return np.zeros((1, 1), np.bool_)
        try:
            with Image.open(io.BytesIO(self._read(f"attribute_masks/pigment_network/{record.image_id}.png"))) as image:
                mask: npt.NDArray[np.bool_] = np.asarray(image.convert("L")) > 127
        except (OSError, KeyError) as error:
            raise DataError(f"The pigment-network mask of {record.image_id} cannot be read: {error}") from error
        return mask

    def coverage(self, record: Record, side: int) -> npt.NDArray[np.uint8]:
        """How much of each cell of the analysed square is marked: (side, side), 0 to 255. Raises `DataError`."""
        mask = Image.fromarray(self.network_mask(record).astype(np.uint8) * 255)
        return np.array(mask.resize((side, side), Image.Resampling.BOX, box=region(*mask.size).box))

    def _read(self, name: str) -> bytes:
        return self._root.joinpath(name).read_bytes()


def _record(row: dict[str, str]) -> Record:
    return Record(
        image_id=row["image_id"],
        group=row["lesion_id"] or row["image_id"],  # for most images the lesion is not recorded
        lesion=Lesion(row["dx"]),
        sex=row["sex"],
        age=float(row["age"]) if row["age"] else None,
        site=row["site"],
    )
