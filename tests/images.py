"""Small images for tests."""

import io
from functools import cache

import numpy as np
from PIL import Image

from ml.phantoms import generate


def picture(width: int = 240, height: int = 180, seed: int = 0) -> Image.Image:
    """A smooth coloured blob on skin colour, with enough texture not to compress away."""
    noise = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    blob = np.exp(-(((x - width / 2) / (width / 5)) ** 2 + ((y - height / 2) / (height / 5)) ** 2))
    skin = np.array([222.0, 178.0, 158.0]) - blob[..., None] * np.array([90.0, 110.0, 100.0])
    return Image.fromarray(np.clip(skin + noise.normal(0, 6, (height, width, 3)), 0, 255).astype(np.uint8))


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def pixel(image: Image.Image, at: tuple[int, int]) -> tuple[int, ...]:
    """One value a channel."""
    found = image.getpixel(at)
    assert isinstance(found, tuple)
    return found


def jpeg(width: int = 240, height: int = 180, seed: int = 0) -> bytes:
    return encoded(picture(width, height, seed), "JPEG", quality=92)


def png(width: int = 240, height: int = 180, seed: int = 0) -> bytes:
    return encoded(picture(width, height, seed), "PNG")


@cache
def lesion() -> bytes:
    """A synthetic BCC in which the shipped model sees what it draws heatmaps of."""
    return encoded(generate(2).image.resize((400, 300)), "JPEG", quality=85)
