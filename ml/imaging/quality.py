"""Image quality: is the image good enough for the model? Cheap scores on the analysed square, each with its reason.

Focus and light are measured on skin: inside the dermatoscope's field of view (`ml.imaging.field`), and by statistics
over small blocks that text, a ruler, ink or hair does not move. The limits were set on HAM10000 and MILK10k
(`python -m ml quality` prints the shares flagged); those in force are in the bundle's card.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.imaging.field import block_medians, blocks, field_of_view, inner
from ml.imaging.preprocessing import region

WORKING_SIZE: Final = 256
CLIPPED: Final = 250  # all three channels at or above: nothing is left to see


class QualityIssue(StrEnum):
    """What is wrong with an image; `message` is the sentence shown to people."""

    OUT_OF_FOCUS = "out_of_focus"
    TOO_DARK = "too_dark"
    WASHED_OUT = "washed_out"
    LITTLE_SKIN = "little_skin"
    TOO_SMALL = "too_small"
    MUCH_LEFT_OUT = "much_left_out"

    @property
    def message(self) -> str:
        return _MESSAGES[self]


_MESSAGES: Final = {
    QualityIssue.OUT_OF_FOCUS: "The image is out of focus or shows no detail.",
    QualityIssue.TOO_DARK: "The image is too dark.",
    QualityIssue.WASHED_OUT: "The image is washed out by too much light.",
    QualityIssue.LITTLE_SKIN: "Little of the frame is skin: zoom in.",
    QualityIssue.TOO_SMALL: "The image has too few pixels to see fine structures.",
    QualityIssue.MUCH_LEFT_OUT: "The image is so long that the analysed centre square leaves out half of it or more.",
}


@dataclass(frozen=True)
class QualityLimits:
    """The value of each score at or beyond which it is an issue; units as in `Quality`."""

    focus: float = 2.9
    underexposed: float = 0.101
    clipped: float = 0.25
    field: float = 0.35
    side: int = 200
    covered: float = 0.5

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError or ValueError on anything that `to_json` did not write.

        Cards written before focus and light were measured on skin have only `side` and `covered` in common with this:
        the other limits are then the defaults.
        """
        return cls(
            focus=float(data.get("focus", cls.focus)),
            underexposed=float(data.get("underexposed", cls.underexposed)),
            clipped=float(data.get("clipped", cls.clipped)),
            field=float(data.get("field", cls.field)),
            side=int(data["side"]),
            covered=float(data["covered"]),
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Quality:
    """The scores of one image and the issues found. The first four are taken at 256 × 256.

    focus: mean square of the Laplacian of the grey values (0–255), ≥ 0: the 40th percentile of the blocks of skin.
    light: linear red, 0–1, of the brightest skin (95th percentile of the blocks). Melanin absorbs red least, and at a
    tenth of full light no skin exceeds 0.1.
    clipped: share of skin without any detail left, all three channels at their maximum, 0–1.
    field: share of the analysed square inside the dermatoscope's field of view, 0–1.
    side: length of the analysed square in pixels. covered: share of the image inside that square, (0, 1].
    """

    focus: float
    light: float
    clipped: float
    field: float
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
    rgb = np.asarray(small)
    view = field_of_view(rgb)
    skin = inner(view)
    focus, light, clipped = _focus(rgb, skin), _light(rgb, skin), _clipped(rgb, skin)
    field = float(view.mean())
    covered = square.size**2 / (image.width * image.height)
    found = {
        QualityIssue.TOO_DARK: light < limits.underexposed,
        QualityIssue.WASHED_OUT: clipped > limits.clipped,
        QualityIssue.OUT_OF_FOCUS: focus < limits.focus,
        QualityIssue.LITTLE_SKIN: field < limits.field,
        QualityIssue.TOO_SMALL: square.size < limits.side,
        QualityIssue.MUCH_LEFT_OUT: covered <= limits.covered,
    }
    issues = tuple(issue for issue, bad in found.items() if bad)
    return Quality(focus, light, clipped, field, square.size, covered, issues)


def _focus(rgb: npt.NDArray[np.uint8], skin: npt.NDArray[np.bool_]) -> float:
    # Grey in floating point: rounded to whole numbers, a smooth gradient would look like fine detail.
    grey: npt.NDArray[np.float32] = rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    detail = np.zeros_like(grey)
    detail[1:-1, 1:-1] = _laplacian(grey) ** 2
    return float(np.percentile(blocks(detail)[skin].mean(axis=1), 40))


def _light(rgb: npt.NDArray[np.uint8], skin: npt.NDArray[np.bool_]) -> float:
    red = float(np.percentile(block_medians(rgb[..., 0])[skin], 95)) / 255
    return red / 12.92 if red <= 0.04045 else float(((red + 0.055) / 1.055) ** 2.4)  # IEC 61966-2-1


def _clipped(rgb: npt.NDArray[np.uint8], skin: npt.NDArray[np.bool_]) -> float:
    red, green, blue = np.moveaxis(rgb, 2, 0)
    return float((blocks(np.minimum(np.minimum(red, green), blue))[skin] >= CLIPPED).mean())


def _laplacian(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:] - 4 * grey[1:-1, 1:-1]
