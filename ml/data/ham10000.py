"""HAM10000: 10,015 dermoscopic images of seven lesion types, with masks of the lesions.

Source: Tschandl, Rosendahl, Kittler, Scientific Data 5:180161 (2018), CC BY-NC.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from ml.data.diagnoses import diagnosis
from ml.data.records import DataSet, Record

# Two "lesions" with the same image (ISIC_0025226, ISIC_0030074): one group, or a split would leak.
_SAME_LESION: Final = {"HAM_0004919": "HAM_0000140"}


class Ham10000(DataSet):
    name = "HAM10000"

    def _records(self) -> list[Record]:
        return [_record(row) for row in self.rows]

    def mask(self, record: Record) -> npt.NDArray[np.bool_]:
        """The lesion in that image, (H, W). Raises `DataError`."""
        return self._mask(f"masks/{record.image_id}.png")


def _record(row: Mapping[str, str]) -> Record:
    return Record(
        image_id=row["image_id"],
        group=_SAME_LESION.get(row["lesion_id"], row["lesion_id"]),
        lesion=diagnosis(row["dx"]),
        sex=row["sex"],
        age=float(row["age"]) if row["age"] else None,
        site=row["localization"],
    )
