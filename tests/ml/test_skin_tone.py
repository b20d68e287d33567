"""Skin tone: Lab by published values, the angle by hand, and the skin around the lesion only."""

import numpy as np
import pytest
from PIL import Image

from ml.evaluation.skin_tone import SkinTone, band, lab, typology_angle

LIGHT, DARK, MOLE = (236, 205, 187), (92, 58, 44), (60, 30, 20)


def test_lab_of_the_primaries() -> None:
    """Lindbloom's calculator, sRGB under D65."""
    known = {
        (255, 255, 255): (100, 0, 0),
        (255, 0, 0): (53.24, 80.09, 67.20),
        (0, 0, 255): (32.30, 79.19, -107.86),
        (0, 0, 0): (0, 0, 0),
    }
    np.testing.assert_allclose(lab(np.array(list(known))), list(known.values()), atol=0.01)


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
    """A mole on skin, in the black frame of a lens."""
    pixels = np.zeros((128, 128, 3), np.uint8)
    pixels[12:116, 12:116] = skin
    pixels[40:90, 40:90] = MOLE
    mask = np.zeros((128, 128), bool)
    mask[40:90, 40:90] = True
    return Image.fromarray(pixels), mask


@pytest.mark.parametrize("skin", [LIGHT, DARK])
def test_the_skin_counts_and_neither_lesion_nor_frame(skin: tuple[int, int, int]) -> None:
    lightness, _, yellow = lab(np.array(skin))
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
