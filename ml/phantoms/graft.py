"""Structures painted on a photograph, to narrow the gap between phantoms and real images in training."""

from collections.abc import Iterable

import numpy as np
from PIL import Image

from ml.patterns import Pattern
from ml.phantoms import lesion, optics, scene
from ml.phantoms.fields import Mask
from ml.phantoms.lesion import Outline
from ml.phantoms.phantom import Phantom, is_bcc, named, scale
from ml.phantoms.skin import PHOTOTYPE_COLOUR


def graft(
    photograph: Image.Image, seed: int, patterns: Iterable[Pattern] | None = None, *, lesion_mask: Mask | None = None
) -> Phantom:
    """Paint structures on a photograph of skin or of a lesion; patterns already in it are not in the masks.

    With a ``lesion_mask`` (H, W) the structures go into that lesion; otherwise a pink or brown lesion is painted first.
    Structures cover the photograph's own hairs. The phototype is guessed from the brightness of the skin. Raises
    ValueError if the mask is empty or differs in size from the photograph.
    """
    chosen = scene.plausible(seed) if patterns is None else frozenset(patterns)
    rgb = np.asarray(photograph.convert("RGB"), dtype=np.float32) / np.float32(255)
    shape, unit = (rgb.shape[0], rgb.shape[1]), scale(photograph.size)
    if lesion_mask is None:
        border = lesion.outline(seed, shape, unit)
        lesion.paint_body(rgb, seed, unit, border, scene.fitting_tone(seed, chosen))
    else:
        border = outline_of(lesion_mask, shape)
    masks = scene.paint_structures(rgb, seed, unit, border, chosen)
    image = optics.expose(rgb, seed, 0.6 * unit, defocus=False)
    inside = border.level < 1 if lesion_mask is None else lesion_mask
    description = f"Synthetic structures on a photograph: {named(chosen)}"
    return Phantom(image, chosen, masks, inside, _phototype(rgb, inside), is_bcc(chosen), seed, description)


def outline_of(mask: Mask, shape: tuple[int, int]) -> Outline:
    """The ellipse with the mask's centroid and second moments."""
    if mask.shape != shape:
        raise ValueError(f"The lesion mask is {mask.shape}, the photograph {shape}.")
    rows, columns = np.nonzero(mask)
    if rows.size == 0:
        raise ValueError("The lesion mask is empty.")
    y, x = float(rows.mean()), float(columns.mean())
    variances, axes = np.linalg.eigh(np.cov(columns, rows) + np.eye(2))
    short, long = 2 * np.sqrt(variances)
    tilt = float(np.arctan2(axes[1, 1], axes[0, 1]))
    dy = np.arange(shape[0], dtype=np.float32)[:, None] - np.float32(y)
    dx = np.arange(shape[1], dtype=np.float32)[None, :] - np.float32(x)
    along = (dx * np.float32(np.cos(tilt)) + dy * np.float32(np.sin(tilt))) / np.float32(long)
    across = (dy * np.float32(np.cos(tilt)) - dx * np.float32(np.sin(tilt))) / np.float32(short)
    flattening = float((long - short) / (long + short))
    return Outline(x, y, float(long + short) / 2, ((2, flattening, -2 * tilt),), np.hypot(along, across))


def _phototype(rgb: np.ndarray, inside: Mask) -> int:
    brightness = float(rgb[~inside].mean()) if not inside.all() else float(rgb.mean())
    return min(PHOTOTYPE_COLOUR, key=lambda kind: abs(sum(PHOTOTYPE_COLOUR[kind]) / 3 - brightness))
