"""Image quality: is the image good enough for the model? Cheap scores on the analysed square, each with its reason.

The default limits are set against HAM10000's training split (6,501 images, seed 1). Its sharpness is at least 3.5,
median 28; of the same images blurred by 3 px, 99 % stay below 2.7, and by 5 px below 2.1. Its brightness is at least
46 (0.1 % below 84) and at most 230. The limits in force are in the bundle's card.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.imaging.preprocessing import region

WORKING_SIZE: Final = 256


class QualityIssue(StrEnum):
    """What is wrong with an image; `message` is the sentence shown to people."""

    OUT_OF_FOCUS = "out_of_focus"
    TOO_DARK = "too_dark"
    WASHED_OUT = "washed_out"
    TOO_SMALL = "too_small"
    MUCH_LEFT_OUT = "much_left_out"

    @property
    def message(self) -> str:
        return _MESSAGES[self]


_MESSAGES: Final = {
    QualityIssue.OUT_OF_FOCUS: "The image is out of focus or shows no detail.",
    QualityIssue.TOO_DARK: "The image is too dark.",
    QualityIssue.WASHED_OUT: "The image is washed out by too much light.",
    QualityIssue.TOO_SMALL: "The image has too few pixels to see fine structures.",
    QualityIssue.MUCH_LEFT_OUT: "The image is so long that the analysed centre square leaves out half of it or more.",
}


@dataclass(frozen=True)
class QualityLimits:
    """The value at which each score becomes an issue."""

    sharpness: float = 3.0
    dark: float = 60.0
    light: float = 235.0
    side: int = 200
    covered: float = 0.5

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError on anything that `to_json` did not write."""
        return cls(
            sharpness=float(data["sharpness"]),
            dark=float(data["dark"]),
            light=float(data["light"]),
            side=int(data["side"]),
            covered=float(data["covered"]),
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Quality:
    """The scores of one image and the issues found.

    sharpness: variance of the Laplacian of the grey values (0–255) at 256 × 256. brightness: mean grey value, 0–255.
    side: length of the analysed square in pixels. covered: share of the image inside that square, (0, 1].
    """

    sharpness: float
    brightness: float
    side: int
    covered: float
    issues: tuple[QualityIssue, ...]

    @property
    def acceptable(self) -> bool:
        return not self.issues


def assess(image: Image.Image, limits: QualityLimits | None = None) -> Quality:
    """Score the analysed square of an upright RGB image."""
    limits = limits or QualityLimits()
    square = region(*image.size)
    small = image.resize((WORKING_SIZE, WORKING_SIZE), Image.Resampling.BILINEAR, box=square.box, reducing_gap=3.0)
    grey = np.asarray(small.convert("L"), dtype=np.float32)
    sharpness, brightness = float(_laplacian(grey).var()), float(grey.mean())
    covered = square.size**2 / (image.width * image.height)
    found = {
        QualityIssue.TOO_DARK: brightness < limits.dark,
        QualityIssue.WASHED_OUT: brightness > limits.light,
        QualityIssue.OUT_OF_FOCUS: sharpness < limits.sharpness,
        QualityIssue.TOO_SMALL: square.size < limits.side,
        QualityIssue.MUCH_LEFT_OUT: covered <= limits.covered,
    }
    return Quality(sharpness, brightness, square.size, covered, tuple(issue for issue, bad in found.items() if bad))


def _laplacian(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
