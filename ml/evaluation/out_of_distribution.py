"""Images that are not dermoscopy: the engine must ask for a person. Drawn on the spot, or taken from libraries.

Crops of scikit-learn's two sample photographs, and scikit-image's collection, stand for photographs of anything.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import skimage.data
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from ml.phantoms import generate

SIDE: Final = 450
_TEXT: Final = "the patient was seen again after six weeks and lesion unchanged letter"
_WORDS: Final = _TEXT.split()

Floats = npt.NDArray[np.float64]


def images(seeds: int = 6) -> Iterator[tuple[str, Image.Image]]:
    """(kind, image): `seeds` images of each drawn kind, and the photographs."""
    for kind, draw in _KINDS.items():
        for seed in range(seeds):
            yield kind, draw(np.random.default_rng([seed, *kind.encode()]))
    for name in ("china.jpg", "flower.jpg"):
        yield from (("photograph", crop) for crop in _crops(name))
    for kind, names in _COLLECTED.items():
        yield from ((kind, Image.fromarray(getattr(skimage.data, name)()).convert("RGB")) for name in names)


def _text(rng: np.random.Generator) -> Image.Image:
    """A printed page."""
    page = Image.new("RGB", (600, 450), tuple(rng.integers(225, 256, 3).tolist()))
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(int(rng.integers(11, 26)))
    for top in range(12, 440, int(rng.integers(20, 40))):
        draw.text((14, top), " ".join(rng.choice(_WORDS, 16)), fill=(25, 25, 30), font=font)
    return page


def _screen(rng: np.random.Generator) -> Image.Image:
    """Windows, bars, buttons and labels."""
    screen = Image.new("RGB", (800, 600), tuple(rng.integers(200, 256, 3).tolist()))
    draw, font = ImageDraw.Draw(screen), ImageFont.load_default(15)
    draw.rectangle((0, 0, 800, 44), fill=tuple(rng.integers(20, 120, 3).tolist()))
    for _ in range(14):
        x, y = rng.integers(0, 640), rng.integers(50, 520)
        box = (int(x), int(y), int(x + rng.integers(60, 260)), int(y + rng.integers(24, 120)))
        draw.rounded_rectangle(box, 6, fill=tuple(rng.integers(120, 256, 3).tolist()), outline=(120, 120, 130))
        draw.text((box[0] + 8, box[1] + 5), str(rng.choice(_WORDS)), fill=(20, 20, 20), font=font)
    return screen


def _noise(rng: np.random.Generator) -> Image.Image:
    return _picture(rng.uniform(0, 255, (SIDE, SIDE, int(rng.choice([1, 3])))))


def _stripes(rng: np.random.Generator) -> Image.Image:
    y, x = np.mgrid[:SIDE, :SIDE]
    angle, period = rng.uniform(0, np.pi), rng.uniform(12, 60)
    wave = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period) > 0
    return _two_colours(wave, rng)


def _checkerboard(rng: np.random.Generator) -> Image.Image:
    y, x = np.mgrid[:SIDE, :SIDE] // int(rng.integers(12, 70))
    return _two_colours((x + y) % 2 == 0, rng)


def _gradient(rng: np.random.Generator) -> Image.Image:
    """Skin colour from light to dark, with sensor noise."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    angle = rng.uniform(0, 2 * np.pi)
    slope = (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)
    skin = np.array([225, 180, 160]) * rng.uniform(0.6, 1.05)
    return _picture(skin + 60 * slope[..., None] + rng.normal(0, 2, (SIDE, SIDE, 1)))


def _flat(rng: np.random.Generator) -> Image.Image:
    return Image.new("RGB", (SIDE, SIDE), tuple(rng.integers(0, 256, 3).tolist()))


def _black(rng: np.random.Generator) -> Image.Image:
    return _picture(rng.normal(3, 2, (SIDE, SIDE, 3)))


def _white(rng: np.random.Generator) -> Image.Image:
    return _picture(rng.normal(252, 2, (SIDE, SIDE, 3)))


def _shapes(rng: np.random.Generator) -> Image.Image:
    """A child's drawing: bright discs, boxes and lines."""
    sheet = Image.new("RGB", (SIDE, SIDE), tuple(rng.integers(0, 256, 3).tolist()))
    draw = ImageDraw.Draw(sheet)
    for _ in range(25):
        (x, y), size = rng.integers(0, SIDE, 2).tolist(), int(rng.integers(15, 140))
        paint = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        paint((x, y, x + size, y + size), fill=tuple(rng.integers(0, 256, 3).tolist()))
    return sheet


def _defocused(rng: np.random.Generator) -> Image.Image:
    """A phantom far out of focus."""
    lesion = generate(int(rng.integers(4_000_000, 5_000_000)), size=(341, 256)).image
    return lesion.filter(ImageFilter.GaussianBlur(float(rng.uniform(6, 12))))


def _crops(name: str) -> Iterator[Image.Image]:
    from sklearn.datasets import load_sample_image

    whole = Image.fromarray(load_sample_image(name))
    yield whole
    for left, top, side in ((0, 0, 320), (320, 0, 320), (160, 100, 300), (0, 120, 300), (340, 130, 290)):
        yield whole.crop((left, top, left + side, top + side))


def _two_colours(choice: npt.NDArray[np.bool_], rng: np.random.Generator) -> Image.Image:
    one, other = rng.uniform(0, 110, 3), rng.uniform(145, 255, 3)
    return _picture(np.where(choice[..., None], one, other))


def _picture(values: Floats) -> Image.Image:
    shown = np.broadcast_to(values, (*values.shape[:2], 3))
    return Image.fromarray(shown.clip(0, 255).astype(np.uint8))


# Names in skimage.data, all shipped with the package.
_COLLECTED: Final = {
    "cat": ("cat",),
    "photograph of things": ("astronaut", "coffee", "rocket", "coins", "clock", "camera", "brick", "grass", "gravel"),
    "printed page": ("page", "text"),
    "other medical image": ("retina", "immunohistochemistry", "cell"),
}
_KINDS: Final[dict[str, Callable[[np.random.Generator], Image.Image]]] = {
    "text": _text,
    "screen": _screen,
    "noise": _noise,
    "stripes": _stripes,
    "checkerboard": _checkerboard,
    "skin-coloured gradient": _gradient,
    "flat colour": _flat,
    "black frame": _black,
    "white frame": _white,
    "bright shapes": _shapes,
    "out of focus": _defocused,
}
