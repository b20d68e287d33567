"""Drawing primitives on float arrays: noise, distance fields, blending.

Arrays are float32. Fields have shape (H, W), images (H, W, 3) with values 0..1 in sRGB. Lengths are pixels.
"""

import zlib

import numpy as np
import numpy.typing as npt
from PIL import Image

Array = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]
Shape = tuple[int, int]
Window = tuple[slice, slice]


def stream(seed: int, name: str) -> np.random.Generator:
    """A separate random stream for each part of a scene, so that leaving one out does not change the others."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def resized(field: Array, shape: Shape) -> Array:
    """A field enlarged to ``shape``, bicubic."""
    height, width = shape
    return np.asarray(Image.fromarray(field).resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)


def noise(rng: np.random.Generator, shape: Shape, cell: float | tuple[float, float], octaves: int = 1) -> Array:
    """Smooth noise, zero mean, unit deviation; ``cell`` is the size of its largest features, or a pair (y, x)."""
    cell_y, cell_x = cell if isinstance(cell, tuple) else (cell, cell)
    total = np.zeros(shape, np.float32)
    for octave in range(octaves):
        rows = int(np.ceil(shape[0] / max(cell_y / 2**octave, 1.0))) + 2
        columns = int(np.ceil(shape[1] / max(cell_x / 2**octave, 1.0))) + 2
        total += resized(rng.standard_normal((rows, columns), dtype=np.float32), shape) * np.float32(0.55**octave)
    total -= total.mean()
    total /= max(float(total.std()), 1e-6)
    return total


def cells(rng: np.random.Generator, shape: Shape, pitch: float, jitter: float, warp: float = 0.0) -> Array:
    """Distance (pixels, approximate) to the nearest wall of an irregular honeycomb with cells ``pitch`` wide."""
    rows, columns = int(shape[0] / (pitch * 0.866)) + 6, int(shape[1] / pitch) + 6
    sites_y = (np.arange(rows, dtype=np.float32)[:, None] - 2.0) * np.float32(pitch * 0.866)
    sites_x = (np.arange(columns, dtype=np.float32)[None, :] - 2.0) * np.float32(pitch)
    sites_x = sites_x + np.where(np.arange(rows) % 2 == 0, 0.0, pitch / 2).astype(np.float32)[:, None]
    sites_y = sites_y + rng.uniform(-jitter, jitter, (rows, columns)).astype(np.float32) * np.float32(pitch)
    sites_x = sites_x + rng.uniform(-jitter, jitter, (rows, columns)).astype(np.float32) * np.float32(pitch)
    y, x = (axis.astype(np.float32) for axis in np.mgrid[: shape[0], : shape[1]])
    if warp:
        y = y + noise(rng, shape, pitch * 3) * np.float32(warp)
        x = x + noise(rng, shape, pitch * 3) * np.float32(warp)
    return _wall_distance(y, x, sites_y, sites_x, pitch)


def _wall_distance(y: Array, x: Array, sites_y: Array, sites_x: Array, pitch: float) -> Array:
    """Half the difference between the distances to the two nearest sites."""
    rows, columns = sites_y.shape
    row = np.clip(np.rint(y / (pitch * 0.866)).astype(np.int32) + 2, 1, rows - 2)
    column = np.clip(np.rint(x / pitch - 0.25).astype(np.int32) + 2, 1, columns - 2)
    first = np.full(y.shape, np.inf, np.float32)
    second = np.full(y.shape, np.inf, np.float32)
    for step_y in (-1, 0, 1):
        for step_x in (-1, 0, 1):
            index = (row + step_y) * columns + (column + step_x)
            distance = (sites_y.ravel()[index] - y) ** 2 + (sites_x.ravel()[index] - x) ** 2
            second = np.minimum(second, np.maximum(first, distance))
            first = np.minimum(first, distance)
    return ((np.sqrt(second) - np.sqrt(first)) / 2).astype(np.float32)


def window(shape: Shape, x: float, y: float, reach: float) -> tuple[Window, Array, Array]:
    """The part of a field within ``reach`` of (x, y), and its coordinates (Δy, Δx) relative to that point."""
    top, bottom = max(int(y - reach), 0), min(int(y + reach) + 2, shape[0])
    left, right = max(int(x - reach), 0), min(int(x + reach) + 2, shape[1])
    rows = np.arange(top, max(bottom, top), dtype=np.float32)[:, None] - np.float32(y)
    columns = np.arange(left, max(right, left), dtype=np.float32)[None, :] - np.float32(x)
    return (slice(top, max(bottom, top)), slice(left, max(right, left))), rows, columns


def club(dy: Array, dx: Array, angle: float, length: float, near: float, far: float) -> Array:
    """Distance to a rounded bar from the origin, with radius ``near`` at its base and ``far`` at its tip."""
    along = dx * np.float32(np.cos(angle)) + dy * np.float32(np.sin(angle))
    across = dy * np.float32(np.cos(angle)) - dx * np.float32(np.sin(angle))
    t = np.clip(along / np.float32(length), 0.0, 1.0)
    gap = along - t * np.float32(length)
    return np.hypot(gap, across) - (np.float32(near) + t * np.float32(far - near))


def ellipse(dy: Array, dx: Array, angle: float, long: float, short: float) -> Array:
    """Approximate distance to an ellipse with the given half axes."""
    along = (dx * np.float32(np.cos(angle)) + dy * np.float32(np.sin(angle))) / np.float32(long)
    across = (dy * np.float32(np.cos(angle)) - dx * np.float32(np.sin(angle))) / np.float32(short)
    radius = np.sqrt(along**2 + across**2)
    return (radius - 1) * np.float32(np.sqrt(long * short))


def union(first: Array, second: Array, blend: float) -> Array:
    """Union of two distance fields with a fillet of ``blend`` pixels where they meet."""
    overlap = np.maximum(np.float32(blend) - np.abs(first - second), 0) / np.float32(blend)
    return np.minimum(first, second) - overlap * overlap * np.float32(blend / 4)


def coverage(distance: Array, softness: float) -> Array:
    """Opacity 0..1 of a shape from its distance field, with an edge ``softness`` pixels wide centred on zero."""
    t = np.clip(0.5 - distance / softness, 0.0, 1.0)
    return t * t * (3 - 2 * t)


def blend(rgb: Array, opacity: Array, colour: npt.ArrayLike) -> None:
    """Blend ``colour`` (a triple or an image) over ``rgb``, in place."""
    rgb += (np.asarray(colour, np.float32) - rgb) * opacity[..., None]


def absorb(rgb: Array, density: Array, pigment: npt.ArrayLike) -> None:
    """Dim ``rgb``, in place, by a layer with these absorptions (R, G, B per unit of density; Beer–Lambert)."""
    rgb *= np.exp(-density[..., None] * np.asarray(pigment, np.float32))
