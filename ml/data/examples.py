"""Labelled images in memory, ready for training. What is not known of an image is NaN or -1."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Final, Self

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from ml.data.synthetic import MASK_SIDE
from ml.imaging.preprocessing import PreprocessingSpec, square
from ml.patterns import BCC_PATTERNS, Lesion, Pattern

LESIONS: Final = tuple(Lesion)
PATTERNS: Final = tuple(Pattern)
SIX: Final = [PATTERNS.index(pattern) for pattern in BCC_PATTERNS]
PN: Final = PATTERNS.index(Pattern.PN)


@dataclass(frozen=True)
class Examples:
    """N images with their labels.

    `pixels` (N, 3, S, S) uint8, decoded and resized as in serving; `bcc` (N,) and `patterns` (N, 7) floats: 0, 1 or NaN
    for unknown; `lesion` (N,) indices into `LESIONS` or -1; `rule` (N,) bool: by the clinical rule the image must show
    one of the six BCC patterns; `masks` (N, 7, M, M) uint8, how much of each cell a pattern covers, 0 where nobody
    marked it; `weight` (N,), the sampling weight; `blurred` (N,), the share of the image's views at low resolution.
    """

    pixels: Tensor
    bcc: Tensor
    patterns: Tensor
    lesion: Tensor
    rule: Tensor
    masks: Tensor
    weight: Tensor
    blurred: Tensor

    @classmethod
    def of(
        cls,
        pixels: Tensor,
        bcc: Tensor | None = None,
        patterns: Tensor | None = None,
        lesion: Tensor | None = None,
        rule: Tensor | None = None,
        masks: Tensor | None = None,
    ) -> Self:
        """Images of which only these labels are known."""
        count = len(pixels)
        return cls(
            pixels,
            torch.full((count,), torch.nan) if bcc is None else bcc.float(),
            torch.full((count, len(PATTERNS)), torch.nan) if patterns is None else patterns.float(),
            torch.full((count,), -1) if lesion is None else lesion,
            torch.zeros(count, dtype=torch.bool) if rule is None else rule,
            torch.zeros(1, dtype=torch.uint8).expand(count, len(PATTERNS), MASK_SIDE, MASK_SIDE)
            if masks is None
            else masks,
            torch.ones(count),
            torch.zeros(count),
        )

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        return cls(**{f.name: torch.cat([getattr(part, f.name) for part in parts]) for f in fields(cls)})

    def __len__(self) -> int:
        return len(self.pixels)


def read_pixels(images: Iterable[Image.Image], count: int, spec: PreprocessingSpec) -> Tensor:
    """The analysed squares of `count` decoded images: (N, 3, S, S) uint8."""
    pixels = torch.empty(count, 3, spec.size, spec.size, dtype=torch.uint8)
    progress = tqdm(images, total=count, desc="reading", unit="image", leave=False, mininterval=2)
    for index, image in enumerate(progress):
        pixels[index] = torch.from_numpy(np.array(square(image, spec))).permute(2, 0, 1)
    return pixels


def normalise(pixels: Tensor, spec: PreprocessingSpec) -> Tensor:
    """(N, 3, H, W) floats in 0–255 → the network's input, exactly as `ml.imaging.preprocessing.prepare`."""
    mean = torch.tensor(spec.mean, device=pixels.device).view(1, 3, 1, 1)
    std = torch.tensor(spec.std, device=pixels.device).view(1, 3, 1, 1)
    return (pixels - mean) / std
