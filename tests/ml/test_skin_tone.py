"""Skin tone: the angle from published Lab values, measured on the skin around the lesion only."""

import numpy as np
import pytest
from PIL import Image

from ml.evaluation.skin_tone import SkinTone, band, typology_angle

LIGHT, DARK, MOLE = (236, 205, 187), (92, 58, 44), (60, 30, 20)


@pytest.mark.parametrize(
    ("angle", "tone"),
    [
        (55.1, SkinTone.VERY_LIGHT),
        (55, SkinTone.LIGHT),
        (41, SkinTone.INTERMEDIATE),
        (28, SkinTone.TAN),
        (10, SkinTone.BROWN),
        (-30, SkinTone.DARK),
        (-31, SkinTone.DARK),
    ],
)
def test_bands(angle: float, tone: SkinTone) -> None:
    assert band(angle) is tone


def scene(skin: tuple[int, int, int]) -> tuple[Image.Image, np.ndarray]:
    """A mole on skin, within the black frame of a lens."""
    pixels = np.zeros((128, 128, 3), np.uint8)
    pixels[12:116, 12:116] = skin
    pixels[40:90, 40:90] = MOLE
    mask = np.zeros((128, 128), bool)
    mask[40:90, 40:90] = True
    return Image.fromarray(pixels), mask


@pytest.mark.parametrize(("skin", "lightness", "yellow"), [(LIGHT, 84.53, 12.97), (DARK, 28.07, 14.88)])
def test_only_skin_counts_not_lesion_or_frame(skin: tuple[int, int, int], lightness: float, yellow: float) -> None:
    """L* and b* of these colours by Lindbloom's sRGB matrix under D65."""
    expected = np.degrees(np.arctan((lightness - 50) / yellow))
    assert typology_angle(*scene(skin)) == pytest.approx(expected, abs=0.5)


def test_darker_skin_has_a_smaller_angle() -> None:
    light, dark = typology_angle(*scene(LIGHT)), typology_angle(*scene(DARK))
    assert light is not None
    assert dark is not None
    assert band(light) is SkinTone.VERY_LIGHT
    assert band(dark) is SkinTone.DARK


def test_without_skin_there_is_no_estimate() -> None:
    image, _ = scene(LIGHT)
    assert typology_angle(image, np.ones((128, 128), bool)) is None
