"""The images of one split in memory, ready for training."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import torch
from torch import Tensor
from tqdm import tqdm

from ml.datasets import DataError, Ham10000, Record
from ml.patterns import Lesion
from ml.preprocessing import PreprocessingSpec, square

LESIONS: Final = tuple(Lesion)


@dataclass(frozen=True)
class Examples:
    """`pixels` (N, 3, S, S) uint8, decoded and resized exactly as in serving; `lesion` (N,) indices into `LESIONS`."""

    pixels: Tensor
    lesion: Tensor
    spec: PreprocessingSpec

    @classmethod
    def load(cls, data: Ham10000, records: Sequence[Record], spec: PreprocessingSpec) -> Self:
        """Raises `DataError` where a split has no image of BCC or none of anything else."""
        if len({record.bcc for record in records}) < 2:
            raise DataError("A split lacks BCC or lacks anything else: the data set has too few lesions.")
        pixels = torch.empty(len(records), 3, spec.size, spec.size, dtype=torch.uint8)
        for index, record in enumerate(tqdm(records, desc="reading", unit="image", leave=False, mininterval=2)):
            pixels[index] = torch.from_numpy(square(data.image(record), spec).copy()).permute(2, 0, 1)
        return cls(pixels, torch.tensor([LESIONS.index(record.lesion) for record in records]), spec)

    @property
    def bcc(self) -> Tensor:
        return (self.lesion == LESIONS.index(Lesion.BCC)).long()

    def __len__(self) -> int:
        return len(self.lesion)


def normalise(pixels: Tensor, spec: PreprocessingSpec) -> Tensor:
    """(N, 3, H, W) floats in 0–255 → the network's input, as `ml.preprocessing.prepare` does."""
    mean = torch.tensor(spec.mean, device=pixels.device).view(1, 3, 1, 1)
    std = torch.tensor(spec.std, device=pixels.device).view(1, 3, 1, 1)
    return (pixels - mean) / std
