"""ISIC 2019 images from other clinics (BCN_20000) at 84 × 84 pixels: more lesions, and a second site for evaluation.

Source: Combalia et al., arXiv 1908.02288, and Codella et al., arXiv 1710.05006, CC BY-NC. Texture is lost at this size,
so the images teach only BCC and lesion type. MSK's images are left out: their lesions are also in ISIC 2018 Task 2.
"""

from collections.abc import Mapping
from typing import Final

from ml.data.diagnoses import diagnosis
from ml.data.records import DataSet, Record

SIDE: Final = 84
_CLINIC: Final = "BCN_"


class Isic2019LowResolution(DataSet):
    name = "ISIC 2019"

    def _records(self) -> list[Record]:
        return [_record(row) for row in self.rows if row["lesion_id"].startswith(_CLINIC)]


def _record(row: Mapping[str, str]) -> Record:
    return Record(
        image_id=row["image_id"],
        group=row["lesion_id"],
        lesion=diagnosis(row["dx"]),
        sex=row["sex"],
        age=float(row["age"]) if row["age"] else None,
        site=row["site"],
    )
