"""ISIC 2018 Task 2: dermoscopic structures marked by experts, the labels of the pigment-network head.

Source: Codella et al., arXiv 1902.03368, and Tschandl et al. (2018), CC BY-NC. None of its images is a BCC, and of our
seven patterns the experts marked pigment network only.
"""

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.data.records import DataSet, Record
from ml.imaging.preprocessing import region


class Isic2018Task2(DataSet):
    name = "ISIC 2018 Task 2"

    def _records(self) -> list[Record]:
        self._network = {row["image_id"]: bool(int(row["pigment_network"])) for row in self.rows}
        # For most images the lesion is not recorded.
        return [Record.of(row, group=row["lesion_id"] or row["image_id"]) for row in self.rows]

    def pigment_network(self, record: Record) -> bool:
        """Whether the experts marked pigment network somewhere in the image."""
        return self._network[record.image_id]

    def network_mask(self, record: Record) -> npt.NDArray[np.bool_]:
        """The marked area, booleans (h, w) over the whole image at the mask's own size; (1, 1) False if unmarked.

        Raises `DataError`.
        """
        if not self.pigment_network(record):
            return np.zeros((1, 1), np.bool_)
        return self._mask(f"attribute_masks/pigment_network/{record.image_id}.png")

    def coverage(self, record: Record, side: int) -> npt.NDArray[np.uint8]:
        """How much of each cell of the analysed square is marked, 0 to 255: (side, side). Raises `DataError`."""
        mask = Image.fromarray(self.network_mask(record).astype(np.uint8) * 255)
        return np.array(mask.resize((side, side), Image.Resampling.BOX, box=region(*mask.size).box))
