"""Augmentation of a whole batch in torch: rotation, flips, scale, perspective, colour, blur.

Runs on CPU and GPU; a view depends on the generator's seed alone.
"""

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor


def augment(images: Tensor, generator: Generator, size: int | None = None) -> Tensor:
    """(N, 3, H, W) float in 0–255 → a random view of each, same range, `size` pixels square (default: unchanged)."""
    return augment_with_masks(images, images[:, :0], generator, size)[0]


def augment_with_masks(
    images: Tensor, masks: Tensor, generator: Generator, size: int | None = None
) -> tuple[Tensor, Tensor]:
    """Views as by `augment`, and (N, K, h, w) float masks transformed with them; masks are 0 beyond the edge."""
    matrices = _homographies(len(images), generator)
    height, width = (size, size) if size else (images.shape[2], images.shape[3])
    views = _warp(images, matrices, (height, width), "reflection")
    moved = _warp(masks, matrices, (masks.shape[2], masks.shape[3]), "zeros") if masks.shape[1] else masks
    return _colour(_blur(views, generator), generator).clamp_(0, 255), moved


def at_low_resolution(images: Tensor, side: int) -> Tensor:
    """(N, C, H, W) reduced to `side` pixels and enlarged again."""
    small = F.interpolate(images, (side, side), mode="bilinear", antialias=True)
    return F.interpolate(small, images.shape[2:], mode="bilinear")


def _uniform(generator: Generator, low: float, high: float, *shape: int) -> Tensor:
    return torch.rand(*shape, generator=generator) * (high - low) + low


def _warp(images: Tensor, matrices: Tensor, size: tuple[int, int], beyond: str) -> Tensor:
    """Rotation, flip, scale, stretch, shift and perspective as one homography, so that pixels are sampled once."""
    height, width = size
    grid = _grid(height, width) @ matrices.transpose(1, 2)  # (N, H·W, 3)
    grid = (grid[..., :2] / grid[..., 2:]).view(len(images), height, width, 2)
    return F.grid_sample(images, grid.to(images.device), padding_mode=beyond, align_corners=False)


def _grid(height: int, width: int) -> Tensor:
    ys = (torch.arange(height) + 0.5) * 2 / height - 1
    xs = (torch.arange(width) + 0.5) * 2 / width - 1
    y, x = torch.meshgrid(ys, xs, indexing="ij")
    return torch.stack([x, y, torch.ones_like(x)], dim=-1).view(1, -1, 3)


def _homographies(n: int, generator: Generator) -> Tensor:
    angle = _uniform(generator, 0, 2 * math.pi, n)
    flip = torch.where(torch.rand(n, generator=generator) < 0.5, -1.0, 1.0)
    scale = _uniform(generator, 0.75, 1.1, n)  # below one: zoomed in
    stretch = _uniform(generator, 0.92, 1.08, n)
    matrix = torch.eye(3).repeat(n, 1, 1)
    matrix[:, 0, 0] = scale * stretch * flip * angle.cos()
    matrix[:, 0, 1] = -scale * stretch * angle.sin()
    matrix[:, 1, 0] = scale / stretch * flip * angle.sin()
    matrix[:, 1, 1] = scale / stretch * angle.cos()
    matrix[:, :2, 2] = _uniform(generator, -0.08, 0.08, n, 2)
    matrix[:, 2, :2] = _uniform(generator, -0.06, 0.06, n, 2)
    return matrix


def _blur(images: Tensor, generator: Generator) -> Tensor:
    """Mix a third of the images with their blur (a 3 × 3 box, twice) by a random share, in place."""
    chosen = (torch.rand(len(images), generator=generator) < 0.33).nonzero()[:, 0]
    share = torch.rand(len(chosen), 1, 1, 1, generator=generator).to(images)
    sharp = images[chosen]
    blurred = F.avg_pool2d(F.avg_pool2d(sharp, 3, 1, 1, count_include_pad=False), 3, 1, 1, count_include_pad=False)
    images[chosen] = torch.lerp(sharp, blurred, share)
    return images


def _colour(images: Tensor, generator: Generator) -> Tensor:
    """Brightness, white balance, contrast and saturation, each within the range seen across clinics and cameras."""
    n = len(images)
    gain = _uniform(generator, 0.85, 1.15, n, 1, 1, 1) * _uniform(generator, 0.93, 1.07, n, 3, 1, 1)
    contrast = _uniform(generator, 0.85, 1.2, n, 1, 1, 1).to(images)
    saturation = _uniform(generator, 0.75, 1.25, n, 1, 1, 1).to(images)
    images = images * gain.to(images)
    images = torch.lerp(images.mean(dim=1, keepdim=True), images, saturation)
    return torch.lerp(images.mean(dim=(1, 2, 3), keepdim=True), images, contrast)
