"""Everything between skin and sensor: hairs, bubbles, glints, light, focus, noise; and the caption."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from ml.phantoms.fields import Array, blend, coverage, resized, stream, window

OVERSAMPLE = 2


def hairs(rgb: Array, seed: int, unit: float, count: int | None = None) -> None:
    """Lay curved, tapered hairs over the field, in place: dark, occasionally white."""
    rng = stream(seed, "hairs")
    number = int(rng.choice([0, 0, 3, 6, 12])) if count is None else count
    height, width = rgb.shape[:2]
    sheet = Image.new("L", (width * OVERSAMPLE, height * OVERSAMPLE))
    pen = ImageDraw.Draw(sheet)
    lie = rng.uniform(0, 2 * np.pi)
    for _ in range(number):
        _hair(pen, rng, (width, height), unit, lie + rng.normal(0, 0.5))
    colour = (0.80, 0.78, 0.76) if rng.random() < 0.12 else (0.15, 0.10, 0.085)
    blend(rgb, 0.88 * np.asarray(sheet.reduce(OVERSAMPLE), dtype=np.float32) / np.float32(255), colour)


def _hair(pen: ImageDraw.ImageDraw, rng: np.random.Generator, size: tuple[int, int], unit: float, lie: float) -> None:
    """One hair from root to tip along a quadratic curve."""
    root = np.array([rng.uniform(0, size[0]), rng.uniform(0, size[1])])
    length = rng.uniform(60, 460) * unit
    ahead = np.array([np.cos(lie), np.sin(lie)])
    aside = np.array([-ahead[1], ahead[0]]) * length * rng.normal(0, 0.18)
    t = np.linspace(0, 1, 28)[:, None]
    path = root + (2 * t * (1 - t)) * (ahead * length / 2 + aside) * 1.0 + t**2 * ahead * length
    half = rng.uniform(0.6, 1.2) * unit * OVERSAMPLE
    for index, ((x, y), (to_x, to_y)) in enumerate(zip(path[:-1] * OVERSAMPLE, path[1:] * OVERSAMPLE, strict=True)):
        taper = half * (1 - 0.75 * index / 27)
        pen.line((x, y, to_x, to_y), fill=255, width=max(round(2 * taper), 1))


def bubbles(rgb: Array, seed: int, unit: float) -> None:
    """Air in the immersion fluid, as faint rings with a bright crescent, and small specular glints."""
    rng = stream(seed, "bubbles")
    shape = rgb.shape[:2]
    for _ in range(int(rng.choice([0, 0, 1, 3, 5]))):
        x, y, radius = rng.uniform(0, shape[1]), rng.uniform(0, shape[0]), rng.uniform(4, 15) * unit
        where, dy, dx = window(shape, x, y, radius * 1.6)
        distance = np.hypot(dy, dx) - np.float32(radius)
        rim = coverage(np.abs(distance) - np.float32(0.8 * unit), 2.2 * unit)
        lit = 0.5 + 0.5 * np.cos(np.arctan2(dy, dx) + np.float32(2.3))
        blend(rgb[where], 0.25 * rim * (1 - lit), rgb[where] * 0.5)
        blend(rgb[where], 0.6 * rim * lit**2, (0.98, 0.96, 0.95))
    for _ in range(int(rng.integers(0, 12))):
        x, y, radius = rng.uniform(0, shape[1]), rng.uniform(0, shape[0]), rng.uniform(0.6, 1.6) * unit
        where, dy, dx = window(shape, x, y, radius * 3 + 2)
        blend(rgb[where], 0.8 * coverage(np.hypot(dy, dx) - radius, 1.6 * unit), (1.0, 0.97, 0.97))


def light(rgb: Array, seed: int, underexposed: bool, round_field: bool) -> None:
    """Uneven light with a vignette and a slight colour cast; optionally the black rim of a round field."""
    rng = stream(seed, "light")
    height, width = rgb.shape[:2]
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None] * np.float32(height / max(height, width))
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None, :] * np.float32(width / max(height, width))
    radius = np.hypot(rows - np.float32(rng.normal(0, 0.06)), columns - np.float32(rng.normal(0, 0.06)))
    rgb *= (1.04 - np.float32(rng.uniform(0.06, 0.3)) * radius**2.4)[..., None]
    warmth, tint = rng.normal(0, 0.035), rng.normal(0.012, 0.015)
    rgb *= np.array([1 + warmth, 1 - tint, 1 - warmth], np.float32)
    if round_field:
        edge = coverage((np.hypot(rows, columns) - np.float32(0.93)) * np.float32(max(height, width) / 2), 10)
        rgb *= (0.03 + 0.97 * edge)[..., None]
    if underexposed:
        rgb *= np.float32(0.17)


def expose(rgb: Array, seed: int, unit: float, defocus: bool) -> Image.Image:
    """Focus, sensor noise and quantisation: the image as a camera stores it."""
    rng = stream(seed, "sensor")
    eight_bit = (np.clip(rgb, 0, 1) * 255 + 0.5).astype(np.uint8)
    sigma = (rng.uniform(9, 13) if defocus else rng.uniform(0.3, 0.6)) * unit
    soft = np.asarray(Image.fromarray(eight_bit).filter(ImageFilter.GaussianBlur(sigma)), dtype=np.float32)
    shape = soft.shape[:2]
    grain = rng.standard_normal((shape[0] // 2 + 1, shape[1] // 2 + 1), dtype=np.float32)
    strength = 0.3 if defocus else rng.uniform(0.8, 2.0)  # cameras denoise what has no detail
    soft = soft + (resized(grain, shape) * np.float32(strength))[..., None]
    return Image.fromarray(np.clip(soft + 0.5, 0, 255).astype(np.uint8))


def caption(image: Image.Image, lesion_x: float, lesion_y: float) -> None:
    """Write SYNTHETIC in the corner farthest from the lesion, in place; outside the centre square if there is room.

    A model analyses the centre square, where sharp letters would be mistaken for a sharp image.
    """
    pen = ImageDraw.Draw(image)
    margin, strip = image.height // 100 + 1, (image.width - image.height) // 2
    for size in range(max(image.height // 32, 10), 7, -1):
        font = ImageFont.load_default(size)
        left, top, right, bottom = pen.textbbox((0, 0), "SYNTHETIC", font=font)
        if right - left + 2 * margin + 8 <= strip:
            break
    x = margin + 4 if lesion_x > image.width / 2 else image.width - margin - 4 - (right - left)
    y = margin + 3 if lesion_y > image.height / 2 else image.height - margin - 3 - (bottom - top)
    pen.rectangle((x - 4, y - 3, x + right - left + 4, y + bottom - top + 3), fill=(20, 20, 20))
    pen.text((x - left, y - top), "SYNTHETIC", font=font, fill=(240, 240, 240))
