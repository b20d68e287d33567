"""The engine's result for one image. Needs no onnxruntime, so that any process can read and show it."""

import io
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.imaging.preprocessing import Region
from ml.imaging.quality import Quality, QualityIssue
from ml.patterns import Lesion, Pattern


class Reason(StrEnum):
    """Why a person must look before anyone relies on the model; `message` says it in a sentence."""

    OUT_OF_FOCUS = QualityIssue.OUT_OF_FOCUS.value
    TOO_DARK = QualityIssue.TOO_DARK.value
    WASHED_OUT = QualityIssue.WASHED_OUT.value
    LITTLE_SKIN = QualityIssue.LITTLE_SKIN.value
    TOO_SMALL = QualityIssue.TOO_SMALL.value
    MUCH_LEFT_OUT = QualityIssue.MUCH_LEFT_OUT.value
    UNFAMILIAR = "unfamiliar_image"
    NOT_FINITE = "model_output_not_finite"

    @property
    def message(self) -> str:
        return _MESSAGES.get(self) or QualityIssue(self.value).message


_MESSAGES: Final = {
    Reason.UNFAMILIAR: "The image does not look like the dermoscopic images this model knows.",
    Reason.NOT_FINITE: "The model gave no usable result for this image.",
}


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Raw Grad-CAM of one target over the analysed square: (h, w) float32 ≥ 0, not normalised."""

    raw: npt.NDArray[np.float32]

    @property
    def strength(self) -> float:
        """The raw maximum. Normalised, even the map of an absent finding looks strong: show this with the colours."""
        return float(self.raw.max())

    def normalised(self, side: int) -> Image.Image | None:
        """8-bit greyscale, scaled by the map's own maximum and smoothly enlarged; None for a map of zeros."""
        if self.strength <= 0:
            return None
        # Enlarge before rounding to 8 bits; the cubic filter can overshoot the map's range.
        smooth = Image.fromarray(self.raw / self.strength).resize((side, side), Image.Resampling.BICUBIC)
        return Image.fromarray((np.asarray(smooth).clip(0, 1) * 255).round().astype(np.uint8))

    def to_png(self, side: int = 112) -> bytes | None:
        """`normalised` as PNG bytes, to be stretched over exactly the result's `region`."""
        image = self.normalised(side)
        if image is None:
            return None
        buffer = io.BytesIO()
        image.save(buffer, "PNG", optimize=True)
        return buffer.getvalue()


@dataclass(frozen=True)
class Finding:
    """One assessed target; `present` if its calibrated probability reaches the default threshold."""

    target: str
    probability: float
    threshold: float
    present: bool
    strength: float


@dataclass(frozen=True, eq=False)
class Result:
    """The engine's result for one image.

    If the model gave no usable output, `bcc_probability` and `bcc` are None, `patterns`, `lesion`, `findings` and
    `heatmaps` are empty, and `needs_person` is true. `patterns` has only those the bundle assesses; `heatmaps` every
    target, keyed "BCC" or pattern code: draw only those whose finding is present.
    """

    bcc_probability: float | None
    bcc: bool | None
    patterns: dict[Pattern, float]
    lesion: dict[Lesion, float]
    findings: tuple[Finding, ...]
    heatmaps: dict[str, Heatmap]
    reasons: tuple[Reason, ...]
    quality: Quality
    region: Region
    bundle: str
    preprocessing: str

    @property
    def needs_person(self) -> bool:
        return bool(self.reasons)

    def to_json(self) -> dict[str, Any]:
        """What `python -m ml predict --json` prints, without "image"."""
        return {
            "bcc_probability": self.bcc_probability,
            "bcc": self.bcc,
            "patterns": {pattern.value: value for pattern, value in self.patterns.items()},
            "lesion": {lesion.value: value for lesion, value in self.lesion.items()},
            "needs_person": self.needs_person,
            "reasons": [reason.value for reason in self.reasons],
            "bundle": self.bundle,
        }
