"""The one path from an image to the network's input."""

import numpy as np
import pytest
from PIL import Image

from ml.imaging.preprocessing import IMAGENET, SIGNED_UNIT, PreprocessingSpec, Region, prepare, region, square
from tests.ml.support import picture


def test_signed_unit_is_minus_one_to_one() -> None:
    image = Image.new("RGB", (300, 224), (0, 255, 51))
    prepared = prepare(image, SIGNED_UNIT)
    assert prepared.shape == (3, 224, 224)
    assert prepared.dtype == np.float32
    assert prepared.flags["C_CONTIGUOUS"]
    np.testing.assert_allclose(prepared[:, 100, 100], [-1, 1, 51 / 127.5 - 1], atol=1e-6)


def test_imagenet_matches_torchvisions_own_transform() -> None:
    from torchvision.transforms.functional import normalize, to_tensor

    image = picture(size=(224, 224))
    theirs = normalize(to_tensor(image), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]).numpy()
    np.testing.assert_allclose(prepare(image, IMAGENET), theirs, atol=1e-5)


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [(300, 200, Region(50, 0, 200)), (200, 301, Region(0, 50, 200)), (7, 7, Region(0, 0, 7))],
)
def test_the_region_is_the_centre_square(width: int, height: int, expected: Region) -> None:
    assert region(width, height) == expected


def test_only_the_region_is_seen() -> None:
    image = Image.new("RGB", (400, 224), "white")
    image.paste("black", region(*image.size).box)
    assert square(image, SIGNED_UNIT).max() == 0


def test_large_photographs_are_antialiased() -> None:
    """A one-pixel checkerboard becomes uniform grey; without antialiasing it would not."""
    board = np.indices((3000, 4000)).sum(axis=0) % 2 * 255
    small = square(Image.fromarray(board.astype(np.uint8)).convert("RGB"), SIGNED_UNIT)
    assert np.abs(small.astype(float) - 127.5).max() < 3


def test_shrinking_in_two_steps_stays_close_to_one() -> None:
    image = picture(size=(2400, 1800)).resize((1200, 900))
    exact = image.resize((224, 224), Image.Resampling.BILINEAR, box=region(*image.size).box)
    assert np.abs(square(image, SIGNED_UNIT).astype(float) - np.asarray(exact)).max() <= 3


def test_the_specification_survives_its_json() -> None:
    spec = PreprocessingSpec(96, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0), "bicubic", "x-2")
    assert PreprocessingSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize("change", [{"size": 0}, {"resample": "magic"}, {"std": (0, 1, 1)}])
def test_an_unusable_specification_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a usable"):
        PreprocessingSpec.from_json({**SIGNED_UNIT.to_json(), **change})
