"""A heatmap in colour over the image it explains, exactly on the analysed square."""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.imaging.preprocessing import Region
from ml.results import Heatmap

# Viridis in five steps, as in static/js/viewer.js. Lightness rises evenly: it reads without colour vision and in print.
RAMP: Final = ((62, 6, 90), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))


def colourise(values: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Grey values (h, w) → colours (h, w, 3)."""
    positions = np.linspace(0, 255, len(RAMP))
    channels = [np.interp(values, positions, channel) for channel in zip(*RAMP, strict=True)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def overlay(image: Image.Image, heatmap: Heatmap, square: Region, opacity: float = 0.5) -> Image.Image:
    """The upright image with the heatmap over `square`; unchanged if the map has no reliable place.

    A pixel's opacity grows with its value, so that what did not matter stays visible.
    """
    result = image.copy()
    grey = heatmap.scaled(square.size)
    if grey is not None:
        alpha = grey.point(lambda value: round(value * opacity))
        result.paste(Image.fromarray(colourise(np.asarray(grey))), (square.left, square.top), alpha)
    return result
