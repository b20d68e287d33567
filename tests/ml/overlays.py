"""What lies over skin, or is burnt into an image, without being skin; and light and frames for synthetic images."""

from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from ml.phantoms import generate

SIZE = (512, 384)


@cache
def skin(phototype: int = 2, seed: int = 1) -> Image.Image:
    return generate(seed, phototype=phototype, size=SIZE, hair_count=0, round_field=False).image


def out_of_focus(image: Image.Image, radius: float = 6) -> Image.Image:
    """`radius` in pixels of 384: 6 are 4 of the 256 at which focus is measured."""
    return image.filter(ImageFilter.GaussianBlur(radius))


def in_circle(image: Image.Image, diameter: float, at: tuple[float, float] = (0.5, 0.5)) -> Image.Image:
    """A round field of view in black; diameter and centre as shares of the height and of the centre square."""
    side = image.height
    x, y, half = (image.width - side) / 2 + at[0] * side, at[1] * side, diameter * side / 2
    field = Image.new("L", image.size)
    ImageDraw.Draw(field).ellipse((x - half, y - half, x + half, y + half), fill=255)
    return Image.composite(image, Image.new("RGB", image.size, (3, 3, 4)), field.filter(ImageFilter.GaussianBlur(1)))


def text(image: Image.Image, colour: str = "white", y: float = 0.9) -> Image.Image:
    return _drawn(image, lambda pen: pen.text((70, y * image.height), LINE, colour, ImageFont.load_default(16)))


def ruler(image: Image.Image, colour: str = "black", y: float = 0.5) -> Image.Image:
    def ticks(pen: ImageDraw.ImageDraw) -> None:
        for number, x in enumerate(range(0, image.width, 9)):
            pen.line((x, y * image.height, x, y * image.height + (24 if number % 5 == 0 else 12)), colour, 2)

    return _drawn(image, ticks)


def ink(image: Image.Image, colour: tuple[int, int, int] = (50, 30, 130)) -> Image.Image:
    def marks(pen: ImageDraw.ImageDraw) -> None:
        pen.ellipse((110, 40, 400, 350), outline=colour, width=9)
        pen.line((80, 370, 250, 300), colour, 12)

    return _drawn(image, marks)


def hairs(image: Image.Image, number: int = 25) -> Image.Image:
    rng = np.random.default_rng(number)

    def strands(pen: ImageDraw.ImageDraw) -> None:
        for _ in range(number):
            x, y = rng.uniform(0, image.width), rng.uniform(0, image.height)
            pen.line((x, y, x + rng.normal(0, 150), y + rng.normal(0, 150)), (35, 25, 20), 2)

    return _drawn(image, strands)


LINE = "27.11.2026 10:10 20x POL Ref 0123"
OVERLAYS = {
    "nothing": lambda image: image,
    "white text": text,
    "black text": lambda image: text(image, "black", 0.3),
    "yellow text": lambda image: text(text(image, "yellow", 0.1), "yellow", 0.2),
    "ruler": ruler,
    "white ruler": lambda image: ruler(image, "white", 0.02),
    "ink": ink,
    "hair": hairs,
    "everything": lambda image: text(ruler(ink(hairs(image, 12)))),
}


def _drawn(image: Image.Image, draw) -> Image.Image:
    copy = image.copy()
    draw(ImageDraw.Draw(copy))
    return copy
