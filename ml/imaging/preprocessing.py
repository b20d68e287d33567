"""From a decoded image to the network's input: ONE path, shared by training and serving.

`ml.imaging.decoding` gives the upright image, `region` the centre square that is analysed (HAM10000 images are centre
crops), `square` resizes it, `prepare` normalises it. The `PreprocessingSpec` of a set of weights is in their card.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

_FILTERS: Final = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
# Box-shrink very large images before filtering: 12 MP in a few milliseconds, no effect below three times the size.
_REDUCING_GAP: Final = 3.0


@dataclass(frozen=True)
class PreprocessingSpec:
    """How to turn an image into the network's input: resize, then (pixel - mean) / std on 0–255 RGB.

    `version` names the procedure and is stored with every result: change it whenever the output below changes.
    """

    size: int = 224
    mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    std: tuple[float, float, float] = (127.5, 127.5, 127.5)
    resample: str = "bilinear"
    version: str = "centre-square-1"

    def __post_init__(self) -> None:
        if self.size < 1 or self.resample not in _FILTERS or min(self.std) <= 0:
            raise ValueError(f"not a usable preprocessing specification: {self}")

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError on anything that `to_json` did not write."""
        red, green, blue = map(float, data["mean"])
        std_red, std_green, std_blue = map(float, data["std"])
        return cls(
            size=int(data["size"]),
            mean=(red, green, blue),
            std=(std_red, std_green, std_blue),
            resample=str(data["resample"]),
            version=str(data["version"]),
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


SIGNED_UNIT: Final = PreprocessingSpec()  # RGB in [-1, 1]: Google's MobileNet weights
IMAGENET: Final = PreprocessingSpec(
    mean=(123.675, 116.28, 103.53), std=(58.395, 57.12, 57.375)
)  # torchvision's weights


@dataclass(frozen=True)
class Region:
    """The analysed square, in pixels of the upright image."""

    left: int
    top: int
    size: int

    @property
    def box(self) -> tuple[int, int, int, int]:
        return self.left, self.top, self.left + self.size, self.top + self.size


def region(width: int, height: int) -> Region:
    """The centre square of an image of this size."""
    size = min(width, height)
    return Region((width - size) // 2, (height - size) // 2, size)


def square(image: Image.Image, spec: PreprocessingSpec) -> npt.NDArray[np.uint8]:
    """The analysed square at the network's size: (size, size, 3) uint8. `image`: decoded, upright."""
    resized = image.resize(
        (spec.size, spec.size), _FILTERS[spec.resample], box=region(*image.size).box, reducing_gap=_REDUCING_GAP
    )
    return np.asarray(resized)


def prepare(image: Image.Image, spec: PreprocessingSpec) -> npt.NDArray[np.float32]:
    """The network's input for one image: (3, size, size) float32, normalised."""
    pixels = square(image, spec).astype(np.float32)
    normalised = (pixels - np.array(spec.mean, np.float32)) / np.array(spec.std, np.float32)
    return np.ascontiguousarray(normalised.transpose(2, 0, 1))
