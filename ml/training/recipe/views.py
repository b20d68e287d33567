"""Random views of a batch of square images: rotation, flips, zoom, shift, contrast and colour.

Everything random is drawn on the CPU, so that a view is the same wherever its pixels are.
"""

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
# Points looked at in each cell of a view, a side.
_POINTS: Final = 4


def affine(count: int, generator: Generator) -> Tensor:
    """(N, 2, 3): rotation by any angle, a flip, the zoom and the shift, from the view to the picture."""
    angle = _uniform(generator, 0, 2 * math.pi, count)
    zoom = _uniform(generator, *_ZOOM, count)
    flip = (torch.rand(count, generator=generator) < 0.5) * 2.0 - 1
    cos, sin = zoom * angle.cos(), zoom * angle.sin()
    shift = _uniform(generator, -_SHIFT, _SHIFT, count, 2)
    return torch.stack([cos * flip, -sin, shift[:, 0], sin * flip, cos, shift[:, 1]], dim=1).view(count, 2, 3)


def views(images: Tensor, placed: Tensor, size: int, generator: Generator) -> Tensor:
    """(N, 3, S, S) uint8 → (N, 3, `size`, `size`) float in 0–255, where `placed` says; mirrored beyond the edge."""
    count = len(images)
    grid = F.affine_grid(placed.to(images.device), [count, 3, size, size], align_corners=False)
    sampled = F.grid_sample(images.float(), grid, padding_mode="reflection", align_corners=False)
    contrast = _uniform(generator, 1 - _CONTRAST, 1 + _CONTRAST, count, 1, 1, 1).to(images.device)
    gain = _uniform(generator, 1 - _GAIN, 1 + _GAIN, count, 3, 1, 1).to(images.device)
    mean = sampled.mean(dim=(1, 2, 3), keepdim=True)
    # (x - mean) · contrast + mean, then each channel's gain, in one pass over the pixels.
    return torch.addcmul(mean * (1 - contrast) * gain, sampled, contrast * gain).clamp_(0, 255)


def cells_seen(cells: Tensor, placed: Tensor) -> Tensor:
    """(N, K, 4, 4) of the picture → (N, 16, K) of the view, row by row: means over what each of its cells shows."""
    count, kinds, side, _ = cells.shape
    points = side * _POINTS
    grid = F.affine_grid(placed, [count, kinds, points, points], align_corners=False)
    found = F.grid_sample(cells, grid, mode="nearest", padding_mode="reflection", align_corners=False)
    return F.avg_pool2d(found, _POINTS).flatten(2).transpose(1, 2)


def at_low_resolution(images: Tensor) -> Tensor:
    """(N, 3, S, S) uint8 → the same as large as ISIC 2019's images are here, 84 pixels."""
    small = F.interpolate(images.float(), (SIDE, SIDE), mode="bilinear", antialias=True)
    return small.round().clamp(0, 255).to(torch.uint8)


def _uniform(generator: Generator, low: float, high: float, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=generator) * (high - low) + low
