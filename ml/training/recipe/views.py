"""Random views of a batch of square images: rotation, flips, zoom, shift, contrast and colour."""

import math
from typing import Final

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ml.data.isic2019 import SIDE

_ZOOM: Final = (0.7, 1.0)  # the part of the picture's side that a view shows
_SHIFT: Final = 0.1
_CONTRAST: Final = 0.2
_GAIN: Final = 0.15


def views(images: Tensor, size: int, generator: Generator) -> Tensor:
    """(N, 3, S, S) uint8 → (N, 3, `size`, `size`) float in 0–255, another view of each; mirrored beyond the edge."""
    count = len(images)
    grid = F.affine_grid(_affine(count, generator), [count, 3, size, size], align_corners=False)
    sampled = F.grid_sample(images.float(), grid, padding_mode="reflection", align_corners=False)
    contrast = _uniform(generator, 1 - _CONTRAST, 1 + _CONTRAST, count, 1, 1, 1)
    gain = _uniform(generator, 1 - _GAIN, 1 + _GAIN, count, 3, 1, 1)
    mean = sampled.mean(dim=(1, 2, 3), keepdim=True)
    # (x - mean) · contrast + mean, then each channel's gain, in one pass over the pixels.
    return torch.addcmul(mean * (1 - contrast) * gain, sampled, contrast * gain).clamp_(0, 255)


def at_low_resolution(images: Tensor) -> Tensor:
    """(N, 3, S, S) uint8 → the same as large as ISIC 2019's images are here, 84 pixels."""
    small = F.interpolate(images.float(), (SIDE, SIDE), mode="bilinear", antialias=True)
    return small.round().clamp(0, 255).to(torch.uint8)


def _affine(count: int, generator: Generator) -> Tensor:
    """(N, 2, 3): rotation by any angle, a flip, the zoom and the shift."""
    angle = _uniform(generator, 0, 2 * math.pi, count)
    zoom = _uniform(generator, *_ZOOM, count)
    flip = (torch.rand(count, generator=generator) < 0.5) * 2.0 - 1
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    shift = _uniform(generator, -_SHIFT, _SHIFT, count, 2)
    return torch.stack([cos * flip, -sin, shift[:, 0], sin * flip, cos, shift[:, 1]], dim=1).view(count, 2, 3)


def _uniform(generator: Generator, low: float, high: float, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=generator) * (high - low) + low
