"""Red structures: ulceration and arborizing telangiectasia. The painters work like those of ``pigment``."""

import numpy as np
from PIL import Image, ImageDraw

from ml.phantoms.fields import Array, blend, coverage, ellipse, noise, union, window
from ml.phantoms.lesion import Outline

Rng = np.random.Generator
OVERSAMPLE = 3
ENOUGH = 90  # pieces of vessel that read as a tree
Twig = tuple[float, float, float, float]  # x, y, heading (radians), half width


def ulceration(rgb: Array, rng: Rng, unit: float, border: Outline, angle: float) -> Array:
    """U: structureless red to black-red areas with amber crust and wet glints."""
    shape = border.level.shape
    distance = np.full(shape, 1e3, np.float32)
    ragged = noise(rng, shape, 34 * unit, 4) * np.float32(5 * unit)
    for index in range(rng.integers(1, 4)):
        x, y = border.point(angle + index * rng.uniform(0.5, 1.2), rng.uniform(0.05, 0.5))
        long = (rng.uniform(30, 56) if index == 0 else rng.uniform(8, 20)) * unit
        where, dy, dx = window(shape, x, y, long * 2)
        sore = ellipse(dy, dx, rng.uniform(0, np.pi), long, long * rng.uniform(0.5, 0.9)) + ragged[where]
        distance[where] = union(distance[where], sore, 4 * unit)
    density = coverage(distance, 6 * unit)
    light = np.float32(np.clip(0.25 + rgb.mean(), 0.45, 1.0))
    blend(rgb, 0.6 * coverage(distance - 5 * unit, 20 * unit), np.array([0.72, 0.33, 0.36], np.float32) * light)
    blend(rgb, 0.93 * density, _crust(rng, shape, unit, distance) * light)
    return density


def _crust(rng: Rng, shape: tuple[int, int], unit: float, distance: Array) -> Array:
    """The surface of a sore: fresh red, clotted black-red where deep, flakes of amber serum, glints."""
    surface = np.broadcast_to(np.array([0.60, 0.12, 0.13], np.float32), (*shape, 3)).copy()
    deep = np.clip(-distance / (30 * unit), 0, 0.6)
    clot = coverage(0.35 - noise(rng, shape, 34 * unit, 4) - deep, 1.5)
    blend(surface, clot, (0.20, 0.055, 0.06))
    amber = coverage(np.float32(rng.uniform(0.3, 1.6)) - noise(rng, shape, 30 * unit, 4), 1.0)
    blend(surface, 0.8 * amber, (0.68, 0.43, 0.24))
    surface *= 1 + 0.11 * noise(rng, shape, 7 * unit, 3)[..., None]
    glint = coverage(2.5 - noise(rng, shape, 6 * unit, 2), 0.6)
    blend(surface, 0.75 * glint, (0.98, 0.88, 0.86))
    return np.clip(surface, 0, 1)


def telangiectasia(rgb: Array, rng: Rng, unit: float, border: Outline, angle: float) -> Array:
    """AT: sharply focused bright red stems branching irregularly into ever finer twigs."""
    height, width = border.level.shape
    sheet = Image.new("L", (width * OVERSAMPLE, height * OVERSAMPLE))
    pen = ImageDraw.Draw(sheet)
    stems, pieces = int(rng.integers(2, 5)), 0
    for index in range(8):
        if index >= stems and pieces > ENOUGH:
            break
        start = angle + index * rng.uniform(0.9, 1.9)
        x, y = border.point(start, rng.uniform(0.6, 0.95))
        inwards = start + np.pi + rng.normal(0, 0.5)
        pieces += _grow(pen, rng, unit, border, (x, y, inwards, rng.uniform(1.6, 2.7) * unit))
    density = np.asarray(sheet.reduce(OVERSAMPLE), dtype=np.float32) / np.float32(255)
    light = np.float32(np.clip(0.3 + rgb.mean(), 0.52, 1.0))
    depth = np.clip(0.86 + 0.09 * noise(rng, (height, width), 45 * unit), 0.65, 0.97)
    blend(rgb, density * depth, np.array([0.75, 0.12, 0.20], np.float32) * light)
    return density


def _grow(pen: ImageDraw.ImageDraw, rng: Rng, unit: float, border: Outline, stem: Twig) -> int:
    """Grow from the stem. A branching divides the flow, so half widths obey r³ = r₁³ + r₂³ (Murray's law).

    Returns the number of pieces drawn.
    """
    tips, pieces = [stem], 0
    width = 0.3  # a stem rises from below, so it starts thin
    for _ in range(400):
        if not tips:
            break
        x, y, heading, half = tips.pop(0)
        turn = 0.0
        for _ in range(int(rng.integers(3, 6) + 3.2 * half / unit)):
            turn = 0.7 * turn + rng.normal(0, 0.12)
            heading += turn
            ahead_x, ahead_y = x + 3.2 * unit * np.cos(heading), y + 3.2 * unit * np.sin(heading)
            _segment(pen, x, y, ahead_x, ahead_y, half * width)
            width, pieces = min(width + 0.09, 1.0), pieces + 1
            x, y, half = ahead_x, ahead_y, half * 0.984
        if border.level_at(x, y) > 1.1 or half < 0.36 * unit:
            continue
        share = rng.uniform(0.08, 0.42)
        side = rng.choice([-1, 1])
        tips.append((x, y, heading - side * rng.uniform(0.05, 0.35), half * (1 - share) ** (1 / 3)))
        tips.append((x, y, heading + side * rng.uniform(0.5, 1.1), half * share ** (1 / 3)))
    return pieces


def _segment(pen: ImageDraw.ImageDraw, x: float, y: float, to_x: float, to_y: float, half: float) -> None:
    """One straight piece with round ends, in oversampled pixels."""
    x, y, to_x, to_y, half = (value * OVERSAMPLE for value in (x, y, to_x, to_y, half))
    pen.line((x, y, to_x, to_y), fill=255, width=max(round(2 * half), 1))
    pen.ellipse((to_x - half, to_y - half, to_x + half, to_y + half), fill=255)
