"""The body of a lesion: its place, its border and its tone, on which the structures are drawn."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from ml.phantoms.fields import Array, Shape, absorb, blend, club, coverage, noise, stream, window
from ml.phantoms.skin import BLOOD, MELANIN


class Tone(StrEnum):
    """The look of the lesion's body without its structures."""

    PINK = "pink"
    BROWN = "brown"
    WAXY = "waxy"


@dataclass(frozen=True)
class Outline:
    """An irregular closed border. ``level`` (H, W) is 0 at the centre, 1 on the border, above 1 outside."""

    x: float
    y: float
    radius: float
    harmonics: tuple[tuple[int, float, float], ...]
    level: Array

    def reach(self, angle: float) -> float:
        """Distance from the centre to the border in direction ``angle`` (radians), without fine irregularities."""
        return float(self.radius * _waviness(np.float32(angle), self.harmonics))

    def point(self, angle: float, level: float) -> tuple[float, float]:
        """The point (x, y) at ``level`` in direction ``angle``."""
        distance = self.reach(angle) * level
        return self.x + distance * float(np.cos(angle)), self.y + distance * float(np.sin(angle))

    def level_at(self, x: float, y: float) -> float:
        """``level`` at a point; infinite outside the image."""
        row, column = int(y), int(x)
        inside = 0 <= row < self.level.shape[0] and 0 <= column < self.level.shape[1]
        return float(self.level[row, column]) if inside else float("inf")


def _waviness(angle: Array | np.float32, harmonics: tuple[tuple[int, float, float], ...]) -> Array:
    total = np.ones_like(angle)
    for order, amplitude, phase in harmonics:
        total = total + np.float32(amplitude) * np.cos(np.float32(order) * angle + np.float32(phase))
    return total


def outline(seed: int, shape: Shape, unit: float) -> Outline:
    """Draw the border of a lesion that fits into the field."""
    rng = stream(seed, "outline")
    radius = rng.uniform(95, 150) * unit
    x = shape[1] * rng.uniform(0.44, 0.56)
    y = shape[0] * rng.uniform(0.45, 0.55)
    harmonics = tuple(
        (order, float(rng.normal(0, 0.24 / order**1.5)), float(rng.uniform(0, 2 * np.pi))) for order in range(2, 6)
    )
    rows = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(y)
    columns = np.arange(shape[1], dtype=np.float32)[None, :] - np.float32(x)
    level = np.hypot(rows, columns) / (
        np.float32(radius) * np.clip(_waviness(np.arctan2(rows, columns), harmonics), 0.45, 1.6)
    )
    level += np.float32(0.055) * noise(rng, shape, 60 * unit, 4)
    return Outline(x, y, radius, harmonics, level)


def paint_body(rgb: Array, seed: int, unit: float, border: Outline, tone: Tone) -> None:
    """Paint the lesion's body over the skin, in place."""
    rng = stream(seed, f"body {tone}")
    painter = {Tone.PINK: _pink, Tone.BROWN: _brown, Tone.WAXY: _waxy}[tone]
    painter(rgb, rng, unit, border)


def _pink(rgb: Array, rng: np.random.Generator, unit: float, border: Outline) -> None:
    """Like many BCC: pinkish and translucent, with a pearly haze, some tan, and fine shiny white lines."""
    shape = border.level.shape
    body = coverage((border.level - 1) * np.float32(border.radius), rng.uniform(22, 50) * unit)
    blood = rng.uniform(0.28, 0.72) + 0.13 * noise(rng, shape, 60 * unit, 3) + 0.05 * noise(rng, shape, 11 * unit, 3)
    absorb(rgb, body * blood, BLOOD)
    absorb(rgb, body * np.float32(rng.uniform(0, 0.12)), (1.0, 0.8, 0.45))
    tan = np.clip(noise(rng, shape, 70 * unit, 3) - 0.3, 0, 2) * np.float32(rng.uniform(0, 0.3))
    absorb(rgb, body * tan, MELANIN)
    haze = np.clip(0.7 + 0.7 * noise(rng, shape, 55 * unit, 4), 0, 2) * np.float32(rng.uniform(0.1, 0.24))
    pearl = np.array([0.93, 0.82, 0.87], np.float32) * min(1.15 * float(rgb.mean()) + 0.08, 1.0)
    blend(rgb, body * haze, pearl)
    for _ in range(rng.integers(0, 9)):
        x, y = border.point(rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.8))
        length = rng.uniform(8, 22) * unit
        where, dy, dx = window(shape, x, y, length + 3 * unit)
        line = coverage(club(dy, dx, rng.choice([0.4, 0.4 + np.pi / 2]), length, 0.6 * unit, 0.3 * unit), 1.6 * unit)
        blend(rgb[where], 0.45 * line, pearl * 1.06)
    if rng.random() < 0.3:
        _dots(rgb, rng, unit, border, int(rng.integers(10, 60)), (0.8, 1.8), (0.05, 0.5, 0.4))  # dotted vessels


def _brown(rgb: Array, rng: np.random.Generator, unit: float, border: Outline) -> None:
    """Like a naevus: brown, denser towards the centre or the rim, fading into the skin."""
    shape = border.level.shape
    body = coverage((border.level - 1) * np.float32(border.radius), rng.uniform(18, 44) * unit)
    centre = rng.uniform(-0.35, 0.5) * (1 - np.clip(border.level, 0, 1))
    density = rng.uniform(0.3, 0.75) + centre + 0.13 * noise(rng, shape, 44 * unit, 5)
    absorb(rgb, body * np.clip(density, 0.05, 2), MELANIN)
    absorb(rgb, body * np.float32(rng.uniform(0, 0.25)), BLOOD)
    if rng.random() < 0.35:
        _dots(rgb, rng, unit, border, int(rng.integers(10, 45)), (1.5, 4), (0.4, 0.6, 0.7))  # brown globules


def _waxy(rgb: Array, rng: np.random.Generator, unit: float, border: Outline) -> None:
    """Like a seborrhoeic keratosis: waxy tan to grey-brown, sharp border, milia-like cysts and dark plugs."""
    shape = border.level.shape
    body = coverage((border.level - 1) * np.float32(border.radius), 7 * unit)
    density = rng.uniform(0.3, 0.7) + 0.16 * noise(rng, shape, 24 * unit, 4)
    absorb(rgb, body * np.clip(density, 0, 2), (0.45, 0.72, 1.1))
    _dots(rgb, rng, unit, border, int(rng.integers(4, 16)), (2, 4.5), (-0.28, -0.34, -0.36))
    _dots(rgb, rng, unit, border, int(rng.integers(2, 12)), (1.8, 4.5), (0.7, 0.9, 1.05))


def _dots(
    rgb: Array,
    rng: np.random.Generator,
    unit: float,
    border: Outline,
    count: int,
    radii: tuple[float, float],
    pigment: tuple[float, float, float],
) -> None:
    """Scatter small soft dots; a negative absorption brightens."""
    for _ in range(count):
        x, y = border.point(rng.uniform(0, 2 * np.pi), 0.9 * np.sqrt(rng.uniform(0, 1)))
        radius = rng.uniform(*radii) * unit
        where, dy, dx = window(border.level.shape, x, y, radius * 2 + 2)
        absorb(rgb[where], coverage(np.hypot(dy, dx * 0.85) - radius, 2.5 * unit), pigment)
