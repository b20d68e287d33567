"""Estimated skin tone of an image: the individual typology angle of the skin around the lesion.

ITA = atan((L* - 50) / b*) · 180 / π (Chardon, Cretois, Hourseau 1991), with the usual bands of Del Bino and Bernerd
(2013). A dermatoscope's light and white balance are not calibrated: this is an estimate from pixels, not a phototype.
"""

from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter
from skimage.color import rgb2lab

SIDE: Final = 64  # the image is first reduced to this square: detail does not matter here
LEAST_SKIN: Final = 0.02  # share of the image; with less there is no estimate
_MARGIN: Final = 2  # pixels left out around the lesion, whose halo is not plain skin
_DARK: Final = 40  # of 255; darker in every channel is the frame of the lens or a hair


class SkinTone(StrEnum):
    """Bands of the individual typology angle, lightest first."""

    VERY_LIGHT = "very light"
    LIGHT = "light"
    INTERMEDIATE = "intermediate"
    TAN = "tan"
    BROWN = "brown"
    DARK = "dark"


_ABOVE: Final = {
    SkinTone.VERY_LIGHT: 55,
    SkinTone.LIGHT: 41,
    SkinTone.INTERMEDIATE: 28,
    SkinTone.TAN: 10,
    SkinTone.BROWN: -30,
}


def band(angle: float) -> SkinTone:
    """The band of an angle in degrees."""
    return next((tone for tone, degrees in _ABOVE.items() if angle > degrees), SkinTone.DARK)


def typology_angle(image: Image.Image, lesion_mask: npt.NDArray[np.bool_]) -> float | None:
    """In degrees, from the median L* and b* of the skin outside the lesion mask (H, W) of an RGB image.

    None if too little skin is visible.
    """
    shown = Image.fromarray(lesion_mask.astype(np.uint8) * 255).resize((SIDE, SIDE), Image.Resampling.BOX)
    lesion = np.asarray(shown.filter(ImageFilter.MaxFilter(2 * _MARGIN + 1))) > 0
    pixels = np.asarray(image.resize((SIDE, SIDE), Image.Resampling.BOX))
    skin = pixels[~lesion & (pixels.max(axis=2) > _DARK)]
    if len(skin) < LEAST_SKIN * SIDE**2:
        return None
    lightness, _, yellow = np.median(rgb2lab(skin), axis=0).tolist()
    return float(np.degrees(np.arctan2(lightness - 50, yellow)))
