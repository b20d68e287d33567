"""What teachers say of images that they never learnt from: soft labels for one student.

Source: Hinton et al., arXiv 1503.02531. Five folds are five teachers, and each image is judged by the one that it
was withheld from, so that no label is merely remembered.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ml.data.diagnoses import DIAGNOSES
from ml.data.records import DataError

Lessons = Mapping[str, Tensor]


def read_lessons(folder: Path) -> Lessons:
    """Image id → probabilities (10,) of BCC and of each type, the mean of the views. Raises `DataError`."""
    lessons: dict[str, Tensor] = {}
    for file in sorted(folder.glob("fold-*/predictions.npz")):
        with np.load(file) as found:
            logits = torch.from_numpy(found["logits"]).float()
            images = found["image_id"].tolist()
        bcc, lesion = logits[..., :1].sigmoid(), logits[..., 1:].softmax(dim=-1)
        lessons |= dict(zip(images, torch.cat([bcc, lesion], dim=-1).mean(dim=1), strict=True))
    if not lessons:
        raise DataError(f"{folder} has no predictions of a finished fold to learn from.")
    return lessons


def taught(lessons: Lessons, images: Sequence[str]) -> Tensor:
    """(N, 10) the lessons about these images, NaN where there is none."""
    unknown = torch.full((1 + len(DIAGNOSES),), torch.nan)
    return torch.stack([lessons.get(image, unknown) for image in images])
