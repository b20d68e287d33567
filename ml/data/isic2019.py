"""ISIC 2019 images from other clinics (BCN_20000) at 84 × 84 pixels: more lesions, and a second site for evaluation.

Source: Combalia et al., arXiv 1908.02288, and Codella et al., arXiv 1710.05006, CC BY-NC. Texture is lost at this size,
so the images teach only BCC and lesion type. MSK's images are left out: their lesions are also in ISIC 2018 Task 2.
"""

from typing import Final

from ml.data.records import DataSet, Record

SIDE: Final = 84
_CLINIC: Final = "BCN_"


class Isic2019LowResolution(DataSet):
    name = "ISIC 2019"

    def _records(self) -> list[Record]:
        return [Record.of(row) for row in self.rows if row["lesion_id"].startswith(_CLINIC)]
