"""Skin without a lesion: tone by phototype, mottling, furrows, follicles, freckles."""

import numpy as np

from ml.phantoms.fields import Array, Shape, absorb, blend, cells, coverage, noise, resized, stream, window

# Relative absorption of melanin and blood in red, green, blue, matched to dermoscopic photographs by eye.
MELANIN = (0.42, 0.78, 1.05)
BLOOD = (0.10, 0.62, 0.46)

# Mean colour of each Fitzpatrick phototype under a polarised dermatoscope, sRGB.
PHOTOTYPE_COLOUR = {
    1: (0.93, 0.84, 0.84),
    2: (0.91, 0.79, 0.76),
    3: (0.84, 0.67, 0.59),
    4: (0.72, 0.54, 0.43),
    5: (0.59, 0.43, 0.34),
    6: (0.46, 0.335, 0.275),
}


def skin(seed: int, shape: Shape, unit: float, phototype: int) -> Array:
    """Skin as an (H, W, 3) image; ``unit``: pixels per reference pixel (600 × 450 field)."""
    rng = stream(seed, "skin")
    base = np.asarray(PHOTOTYPE_COLOUR[phototype], np.float32) * (1 + rng.normal(0, 0.03, 3).astype(np.float32))
    rgb = np.broadcast_to(base, (*shape, 3)).copy()
    redness = rng.uniform(0.05, 0.4) * (1.1 - 0.12 * phototype)
    _mottle(rgb, rng, unit, redness)
    _furrows(rgb, rng, unit)
    if phototype <= 4 and rng.random() < 0.5:
        _freckles(rgb, rng, unit)
    _follicles(rgb, rng, unit)
    return rgb


def _mottle(rgb: Array, rng: np.random.Generator, unit: float, redness: float) -> None:
    """Blood and melanin, varying slowly over the field and in small patches."""
    shape = rgb.shape[:2]
    blood = redness + 0.07 * noise(rng, shape, 200 * unit) + 0.055 * noise(rng, shape, (16 * unit, 26 * unit), 4)
    melanin = 0.035 * noise(rng, shape, 170 * unit) + 0.034 * noise(rng, shape, 9 * unit, 3)
    absorb(rgb, blood + np.float32(0.025) * noise(rng, shape, 3.5 * unit, 2), BLOOD)
    absorb(rgb, melanin, MELANIN)
    pale = np.clip(noise(rng, shape, (26 * unit, 38 * unit), 3), 0, 2) * np.float32(0.07)
    blend(rgb, pale, rgb.mean(axis=(0, 1)) * np.float32(1.08))


def _furrows(rgb: Array, rng: np.random.Generator, unit: float) -> None:
    """The fine polygonal relief of skin, drawn at half resolution."""
    shape = rgb.shape[:2]
    half = (shape[0] // 2 + 1, shape[1] // 2 + 1)
    walls = cells(rng, half, rng.uniform(7, 12) * unit, 0.38, warp=2.5 * unit)
    relief = resized(coverage(walls, 3.2 * unit), shape) * (0.6 + 0.4 * noise(rng, shape, 90 * unit))
    absorb(rgb, relief * np.float32(rng.uniform(0.03, 0.10)), (0.9, 1.1, 1.1))


def _freckles(rgb: Array, rng: np.random.Generator, unit: float) -> None:
    """Ill-defined tan patches of sun-damaged skin."""
    shape = rgb.shape[:2]
    field = noise(rng, shape, 55 * unit, 4) + 0.5 * noise(rng, shape, 200 * unit)
    patch = coverage(np.float32(rng.uniform(1.4, 2.1)) - field, 2.2)
    absorb(rgb, patch * np.float32(rng.uniform(0.12, 0.32)), (0.42, 0.78, 1.1))


def _follicles(rgb: Array, rng: np.random.Generator, unit: float) -> None:
    """Small pale openings."""
    shape = rgb.shape[:2]
    for _ in range(rng.integers(10, 60)):
        x, y = rng.uniform(0, shape[1]), rng.uniform(0, shape[0])
        radius = rng.uniform(1.2, 2.8) * unit
        where, dy, dx = window(shape, x, y, radius * 2 + 2)
        blend(rgb[where], 0.22 * coverage(np.hypot(dy, dx) - radius, radius), rgb[where].mean(axis=(0, 1)) * 1.18)
