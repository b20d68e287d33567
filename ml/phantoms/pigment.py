"""Pigmented structures: network, ovoid nests, globules, leaf-like and spoke-wheel areas.

Each painter draws one pattern on ``rgb``, in place, and returns the density of what it drew: (H, W), 0..1.
"""

import numpy as np

from ml.phantoms.fields import Array, blend, cells, club, coverage, ellipse, noise, union, window
from ml.phantoms.lesion import Outline

BLUE_GREY = (0.41, 0.40, 0.48)
BROWN = (0.34, 0.19, 0.12)
TAN = (0.56, 0.38, 0.27)
Rng = np.random.Generator


def network(rgb: Array, rng: Rng, unit: float, border: Outline, angle: float) -> Array:
    """PN: a honeycomb of thin brown lines around paler holes, slightly irregular, fading towards the border."""
    shape = border.level.shape
    walls = cells(rng, shape, rng.uniform(10.5, 14) * unit, 0.3, warp=3.2 * unit)
    thickness = unit * (1.0 + 0.5 * np.clip(noise(rng, shape, 50 * unit, 2), -1, 1.5))
    lines = coverage(walls - thickness, 2.2 * unit)
    fade = np.clip((1.06 - border.level) / np.float32(0.45), 0, 1)
    patchy = np.clip(0.85 + 0.3 * noise(rng, shape, 80 * unit, 2), 0.25, 1)
    density = lines * fade * patchy
    holes = coverage(thickness + np.float32(2.2 * unit) - walls, 3 * unit) * fade * patchy
    blend(rgb, 0.16 * holes, np.clip(rgb * 1.35 + 0.04, 0, 1))
    blend(rgb, 0.72 * density, _shade(rgb, BROWN))
    return np.minimum(1.7 * density, 1)  # faint lines count as lines


def nests(rgb: Array, rng: Rng, unit: float, border: Outline, angle: float) -> Array:
    """ON: confluent, well-circumscribed blue-grey ovoid areas, each larger than a globule."""
    shape = border.level.shape
    distance = np.full(shape, 1e3, np.float32)
    ripple = noise(rng, shape, 16 * unit, 2) * np.float32(1.3 * unit)
    for index in range(rng.integers(4, 9)):
        x, y = border.point(angle + rng.normal(0, 0.5), rng.uniform(0.2, 0.8))
        long = rng.uniform(20, 38 if index < 2 else 27) * unit
        short = long * rng.uniform(0.55, 0.8)
        where, dy, dx = window(shape, x, y, long * 1.9)
        nest = ellipse(dy, dx, rng.uniform(0, np.pi), long, short) + ripple[where]
        distance[where] = union(distance[where], nest, 5 * unit)
    density = coverage(distance, 7 * unit)
    depth = 0.12 * np.clip(-distance / (12 * unit), 0, 1)
    mottle = np.clip(0.64 + depth + 0.11 * noise(rng, shape, 22 * unit, 4), 0.4, 0.93)
    blend(rgb, 0.35 * coverage(distance - 4 * unit, 12 * unit), _shade(rgb, (0.50, 0.42, 0.45)))
    blend(rgb, density * mottle, _mixed(rgb, rng, unit, BLUE_GREY, (0.30, 0.23, 0.24)))
    return density


def globules(rgb: Array, rng: Rng, unit: float, border: Outline, angle: float) -> Array:
    """MG: many small, round, sharply bordered blue-grey globules that do not touch."""
    shape = border.level.shape
    density = np.zeros(shape, np.float32)
    placed: list[tuple[float, float, float]] = []
    count = int(rng.integers(24, 56))
    clumps = [border.point(angle + rng.normal(0, 0.7), rng.uniform(0.1, 0.75)) for _ in range(rng.integers(2, 5))]
    for _ in range(count * 6):
        clump_x, clump_y = clumps[rng.integers(len(clumps))]
        x, y = rng.normal((clump_x, clump_y), 0.2 * border.radius)
        radius = rng.triangular(2.6, 4, 8) * unit
        crowded = any(np.hypot(x - a, y - b) < radius + r + unit for a, b, r in placed)
        if len(placed) == count or crowded or border.level_at(x, y) > 0.98:
            continue
        placed.append((x, y, radius))
        where, dy, dx = window(shape, x, y, radius * 1.5 + 2)
        dot = ellipse(dy, dx, rng.uniform(0, np.pi), radius, radius * rng.uniform(0.8, 1))
        density[where] = np.maximum(density[where], rng.uniform(0.7, 1) * coverage(dot, 2 * unit))
    blend(rgb, 0.82 * density, _mixed(rgb, rng, unit, (0.40, 0.39, 0.47), (0.28, 0.24, 0.27)))
    return density


def leaves(rgb: Array, rng: Rng, unit: float, border: Outline, angle: float) -> Array:
    """ML: bulbous lobes joined at a base like a leaf, at the lesion's edge, brown to grey-blue."""
    shape = border.level.shape
    distance = np.full(shape, 1e3, np.float32)
    for index in range(rng.integers(1, 4)):
        facing = angle + (0.0 if index == 0 else rng.uniform(0.9, 1.5) * (-1) ** index)
        x, y = border.point(facing, rng.uniform(0.62, 0.78))
        size = rng.uniform(38, 58) * unit
        where, dy, dx = window(shape, x, y, size * 1.7)
        leaf = np.hypot(dy, dx) - np.float32(size * 0.24)
        count = int(rng.integers(4, 7))
        for lobe, bend in enumerate(np.linspace(-1.25, 1.25, count)):
            length = size * rng.uniform(0.75, 1.05) * (1 - 0.12 * abs(lobe - (count - 1) / 2))
            heading = facing + bend + rng.normal(0, 0.1)
            bulb = size * rng.uniform(0.155, 0.205)
            leaf = union(leaf, club(dy, dx, heading, length, size * 0.12, bulb), 4 * unit)
        distance[where] = union(distance[where], leaf, 3 * unit)
    density = coverage(distance + noise(rng, shape, 9 * unit, 2) * np.float32(0.6 * unit), 5 * unit)
    mottle = np.clip(0.72 + 0.1 * noise(rng, shape, 14 * unit, 4), 0.4, 0.93)
    blend(rgb, density * mottle, _mixed(rgb, rng, unit, (0.40, 0.28, 0.23), (0.36, 0.34, 0.41)))
    return density


def wheels(rgb: Array, rng: Rng, unit: float, border: Outline, angle: float) -> Array:
    """SW: tan to grey-blue projections radiating from a darker hub."""
    shape = border.level.shape
    spokes = np.full(shape, 1e3, np.float32)
    hubs = np.full(shape, 1e3, np.float32)
    for index in range(rng.integers(1, 4)):
        x, y = border.point(angle + index * rng.uniform(0.8, 1.4), rng.uniform(0.35, 0.8))
        size = rng.uniform(34, 50) * unit
        where, dy, dx = window(shape, x, y, size * 1.5)
        hubs[where] = np.minimum(hubs[where], np.hypot(dy, dx) - np.float32(size * rng.uniform(0.20, 0.27)))
        wheel = np.hypot(dy, dx) - np.float32(size * 0.36)
        count = int(rng.integers(9, 13))
        for spoke in range(count):
            heading = 2 * np.pi * (spoke + rng.uniform(-0.18, 0.18)) / count
            length, tip = size * rng.uniform(0.62, 1.08), size * rng.uniform(0.07, 0.11)
            wheel = union(wheel, club(dy, dx, heading, length, size * 0.10, tip), 3 * unit)
        spokes[where] = np.minimum(spokes[where], wheel)
    density = coverage(spokes + noise(rng, shape, 8 * unit, 2) * np.float32(0.8 * unit), 4 * unit)
    mottle = np.clip(0.66 + 0.1 * noise(rng, shape, 16 * unit, 3), 0.4, 0.9)
    blend(rgb, density * mottle, _mixed(rgb, rng, unit, TAN, (0.44, 0.36, 0.37)))
    blend(rgb, 0.82 * coverage(hubs, 12 * unit), _shade(rgb, (0.24, 0.17, 0.17)))
    return density


def _shade(rgb: Array, colour: tuple[float, float, float]) -> Array:
    """A structure's colour, dimmed with the brightness of the field, as on dark skin."""
    return np.array(colour, np.float32) * np.float32(np.clip(0.25 + rgb.mean(), 0.5, 1.0))


def _mixed(
    rgb: Array, rng: Rng, unit: float, first: tuple[float, float, float], second: tuple[float, float, float]
) -> Array:
    """A slow mixture of two colours over the field."""
    share = np.clip(0.5 + 0.45 * noise(rng, rgb.shape[:2], 34 * unit, 4), 0, 1)[..., None]
    return _shade(rgb, first) * share + _shade(rgb, second) * (1 - share)
