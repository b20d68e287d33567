"""A heatmap in colour over the picture it explains, at exactly the analysed square."""

from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.imaging.preprocessing import Region
from ml.results import Heatmap

# Black → purple → orange → yellow: rises evenly in lightness, so it reads without colour vision and in print.
_ANCHORS: Final = np.array(
    [[0, 0, 4], [51, 13, 96], [119, 28, 109], [186, 54, 85], [236, 105, 37], [252, 176, 20], [252, 255, 164]],
    np.float32,
)


def colourise(values: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Grey values (h, w) → colours (h, w, 3)."""
    positions = np.linspace(0, 255, len(_ANCHORS))
    channels = [np.interp(values, positions, _ANCHORS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def overlay(image: Image.Image, heatmap: Heatmap, square: Region, opacity: float = 0.5) -> Image.Image:
    """The upright picture with the heatmap over `square`; unchanged where the map is zero everywhere.

    A pixel's opacity grows with its value, so that what did not matter stays visible.
    """
    result = image.copy()
    grey = heatmap.normalised(square.size)
    if grey is not None:
        alpha = grey.point(lambda value: round(value * opacity))
        result.paste(Image.fromarray(colourise(np.asarray(grey))), (square.left, square.top), alpha)
    return result
