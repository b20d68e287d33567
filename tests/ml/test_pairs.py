"""Images of the same lesion under other names are found by what they show."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from ml.data.pairs import find_pairs, thumbnail


def lesion(seed: int, side: int = 320) -> Image.Image:
    """A blob with detail of its own on skin."""
    generator = np.random.default_rng(seed)
    noise = Image.fromarray(generator.integers(0, 255, (40, 40, 3)).astype(np.uint8)).resize((side, side))
    y, x = np.mgrid[:side, :side] / side - 0.5
    centre = generator.uniform(-0.08, 0.08, 2)
    inside = np.clip(1.5 - np.hypot(x - centre[0], y - centre[1]) / generator.uniform(0.15, 0.3), 0, 1)[..., None]
    skin = np.array([210, 170, 150]) * (1 - inside) + (np.asarray(noise.convert("RGB")) * 0.5 + 40) * inside
    return Image.fromarray(skin.clip(0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(1))


def other_photograph(image: Image.Image) -> Image.Image:
    """Shifted, cropped, with another white balance."""
    side = image.width
    part = image.crop((round(side * 0.06), round(side * 0.02), round(side * 0.94), round(side * 0.90)))
    balanced = np.asarray(part.resize((300, 300)), np.float64) * [0.85, 1.0, 1.1] + [12, 0, -8]
    return Image.fromarray(balanced.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def thumbnails() -> np.ndarray:
    return np.stack([thumbnail(lesion(seed)) for seed in range(12)])


def test_another_photograph_of_the_same_lesion_is_found_and_no_other(thumbnails: np.ndarray) -> None:
    again = np.stack([thumbnail(other_photograph(lesion(seed))) for seed in (3, 8)])
    assert {(pair.first, pair.second) for pair in find_pairs(thumbnails, again)} == {(3, 0), (8, 1)}


def test_within_one_set_a_pair_is_named_once(thumbnails: np.ndarray) -> None:
    doubled = np.concatenate([thumbnails, thumbnails[5:6]])
    assert [(pair.first, pair.second) for pair in find_pairs(doubled)] == [(5, 12)]
