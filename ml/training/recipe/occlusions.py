"""What lies over a lesion in practice: hair, ink, and the dark edge of a dermatoscope's round field."""

import math
from typing import Final

import torch
from torch import Generator, Tensor

_HAIRS: Final = 6
_INK: Final = torch.tensor([80.0, 60.0, 150.0])


def occlude(images: Tensor, share: float, generator: Generator) -> Tensor:
    """(N, 3, S, S) in 0–255 → the same, each kind drawn over a `share` of them, independently."""
    side, device = images.shape[-1], images.device
    axis = torch.linspace(-1, 1, side, device=device)
    y, x = axis[None, :, None], axis[None, None, :]

    def drawn(*shape: int) -> Tensor:
        return torch.rand(len(images), *shape, generator=generator).to(device)

    for kind in (_circle, _ink, _hair):
        chosen = (torch.rand(len(images), generator=generator) < share).to(device)
        images = torch.where(chosen[:, None, None, None], kind(images, x, y, drawn), images)
    return images


def _circle(images: Tensor, x: Tensor, y: Tensor, drawn) -> Tensor:  # type: ignore[no-untyped-def]
    where, radius = (drawn(2) - 0.5) * 0.2, 0.85 + 0.4 * drawn()
    far = ((x - where[:, :1, None]) ** 2 + (y - where[:, 1:, None]) ** 2) > radius[:, None, None] ** 2
    return torch.where(far[:, None], drawn(1, 1, 1) * 20, images)


def _ink(images: Tensor, x: Tensor, y: Tensor, drawn) -> Tensor:  # type: ignore[no-untyped-def]
    angle, distance = drawn() * 2 * math.pi, 0.7 + 0.4 * drawn()
    centre = torch.stack([angle.cos(), angle.sin()], dim=1) * distance[:, None]
    radius = 0.1 + 0.15 * drawn()
    inside = ((x - centre[:, :1, None]) ** 2 + (y - centre[:, 1:, None]) ** 2) < radius[:, None, None] ** 2
    inked = images * 0.3 + _INK.to(images)[None, :, None, None] * 0.7
    return torch.where(inside[:, None], inked, images)


def _hair(images: Tensor, x: Tensor, y: Tensor, drawn) -> Tensor:  # type: ignore[no-untyped-def]
    for _ in range(_HAIRS):
        angle, offset, bend = drawn() * math.pi, (drawn() - 0.5) * 1.6, (drawn() - 0.5) * 0.6
        along = x * angle.cos()[:, None, None] + y * angle.sin()[:, None, None]
        across = -x * angle.sin()[:, None, None] + y * angle.cos()[:, None, None]
        width = (0.004 + 0.008 * drawn())[:, None, None]
        near = (across - offset[:, None, None] - bend[:, None, None] * along**2).abs() < width
        images = torch.where(near[:, None], images * 0.3, images)
    return images
