"""MILK10k: lesions of several clinics, each as a dermoscopic image and a clinical close-up.

Source: MILK study team, MILK10k (ISIC challenge 2025), CC BY-NC. Nearly every lesion was biopsied, so the benign ones
are those that a dermatologist doubted; the share of BCC is no clinic's.
"""

from PIL import Image

from ml.data.records import DataError, DataSet, Record
from ml.imaging.decoding import UnreadableImage, decode


class Milk10k(DataSet):
    """`records` are the dermoscopic images."""

    name = "MILK10k"

    def _records(self) -> list[Record]:
        self._tones = {row["image_id"]: int(row["skin_tone_class"]) for row in self.rows if row["skin_tone_class"]}
        close_ups = self._table("clinical.csv", ("image_id", "lesion_id"))
        self._close_ups = {row["lesion_id"]: row["image_id"] for row in close_ups}
        return [Record.of(row) for row in self.rows]

    def skin_tone(self, record: Record) -> int | None:
        """0 very dark to 5 very light, as published; None where it was not given."""
        return self._tones.get(record.image_id)

    def has_close_up(self, record: Record) -> bool:
        return record.group in self._close_ups

    def close_up(self, record: Record) -> Image.Image:
        """The clinical photograph of the same lesion, 160 pixels. Raises `DataError`, also where there is none."""
        try:
            return decode(self._read(f"clinical/{self._close_ups[record.group]}.jpg"))
        except (OSError, KeyError, UnreadableImage) as error:
            raise DataError(f"The close-up of {record.image_id} in the data set cannot be read: {error}") from error
