"""HAM10000: 10,015 dermoscopic images of seven lesion types, with masks of the lesions.

Source: Tschandl, Rosendahl, Kittler, Scientific Data 5:180161 (2018), CC BY-NC.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from ml.data.records import DataSet, Record

# Two "lesions" with the same image (ISIC_0025226, ISIC_0030074): one group, or a split would leak.
_SAME_LESION: Final = {"HAM_0004919": "HAM_0000140"}


class Ham10000(DataSet):
    name = "HAM10000"

    def _records(self) -> list[Record]:
        return [Record.of(row, group=_SAME_LESION.get(row["lesion_id"], ""), site="localization") for row in self.rows]

    def mask(self, record: Record) -> npt.NDArray[np.bool_]:
        """The lesion in that image, (H, W). Raises `DataError`."""
        return self._mask(f"masks/{record.image_id}.png")
