"""The engine's result for one image. Needs no onnxruntime, so that any process can read and show it."""

import io
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.card import Place
from ml.imaging.preprocessing import Region
from ml.imaging.quality import Quality, QualityIssue
from ml.patterns import MALIGNANT, Call, Lesion, Modality, Pattern


class Reason(StrEnum):
    """Why a person must look before anyone relies on the model; `message` says it in a sentence."""

    OUT_OF_FOCUS = QualityIssue.OUT_OF_FOCUS.value
    TOO_DARK = QualityIssue.TOO_DARK.value
    WASHED_OUT = QualityIssue.WASHED_OUT.value
    LITTLE_SKIN = QualityIssue.LITTLE_SKIN.value
    TOO_SMALL = QualityIssue.TOO_SMALL.value
    MUCH_LEFT_OUT = QualityIssue.MUCH_LEFT_OUT.value
    CLINICAL = "clinical_photograph"
    NOT_DERMOSCOPIC = "not_dermoscopic"
    NOT_FINITE = "model_output_not_finite"

    @property
    def message(self) -> str:
        return _MESSAGES.get(self) or QualityIssue(self.value).message


_MESSAGES: Final = {
    Reason.CLINICAL: "The image looks like a close-up without a dermatoscope, which this model cannot judge.",
    Reason.NOT_DERMOSCOPIC: "The image does not look like a dermoscopic image of skin, which is all this model knows.",
    Reason.NOT_FINITE: "The model gave no usable result for this image.",
}


@dataclass(frozen=True, eq=False)
class Heatmap:
    """Raw map of one target over the analysed square: (h, w) float32 ≥ 0, and how the card wants it shown."""

    raw: npt.NDArray[np.float32]
    place: Place

    @property
    def strength(self) -> float:
        """The raw maximum as a share of full colour, ≥ 0; above 1 where the map is stronger than the scale."""
        return float(self.raw.max()) / self.place.full

    @property
    def reliable(self) -> bool:
        """Whether the map says where: below the card's floor there is no reliable place, and nothing to draw."""
        return float(self.raw.max()) >= self.place.floor

    def shares(self, cells: int = 4) -> npt.NDArray[np.float64]:
        """The share of the map's energy in each of `cells` × `cells` parts, (cells, cells), sum 1.

        A map of zeros is equally weak everywhere. The side must be a multiple of `cells`.
        """
        parts = self.raw.astype(np.float64).reshape(cells, self.raw.shape[0] // cells, cells, -1).sum(axis=(1, 3))
        total = parts.sum()
        return np.asarray(parts / total if total > 0 else np.full_like(parts, cells**-2))

    def scaled(self, side: int) -> Image.Image | None:
        """8-bit greyscale on the target's one scale, smoothly enlarged; None where there is no reliable place."""
        if not self.reliable:
            return None
        # Enlarge before rounding to 8 bits; the cubic filter can overshoot the map's range.
        smooth = Image.fromarray(self.raw / self.place.full).resize((side, side), Image.Resampling.BICUBIC)
        return Image.fromarray((np.asarray(smooth).clip(0, 1) * 255).round().astype(np.uint8))

    def to_png(self, side: int = 112) -> bytes | None:
        """`scaled` as PNG bytes, to be stretched over exactly the result's `region`."""
        image = self.scaled(side)
        if image is None:
            return None
        buffer = io.BytesIO()
        image.save(buffer, "PNG", optimize=True)
        return buffer.getvalue()


@dataclass(frozen=True)
class Finding:
    """One assessed target. `present` if its calibrated probability reaches the card's `present_from`; `threshold` is
    where it becomes likely. `strength` of its map; `placed` if the map says where."""

    target: str
    probability: float
    threshold: float
    call: Call
    strength: float
    placed: bool

    @property
    def present(self) -> bool:
        return self.call is not Call.NOT_SEEN


@dataclass(frozen=True, eq=False)
class Result:
    """The engine's result for one image.

    If the model gave no usable output, `bcc_probability`, `bcc` and `modality` are None, `lesion`, `findings` and
    `heatmaps` are empty, and `needs_person` is true. `findings` and `heatmaps` have every target of the card, in its
    order: draw only the maps of findings that are present and placed.
    """

    bcc_probability: float | None
    bcc: bool | None
    lesion: dict[Lesion, float]
    findings: tuple[Finding, ...]
    heatmaps: dict[str, Heatmap]
    modality: Modality | None
    reasons: tuple[Reason, ...]
    quality: Quality
    region: Region
    bundle: str
    preprocessing: str

    @property
    def needs_person(self) -> bool:
        return bool(self.reasons)

    @property
    def malignant(self) -> dict[Lesion, float]:
        """The calibrated probability of each malignant type."""
        found = {finding.target: finding.probability for finding in self.findings}
        return {lesion: found[lesion.target] for lesion in MALIGNANT if lesion.target in found}

    @property
    def patterns(self) -> dict[Pattern, Finding]:
        return {Pattern(finding.target): finding for finding in self.findings if finding.target in set(Pattern)}

    def to_json(self) -> dict[str, Any]:
        """What `python -m ml predict --json` prints, without "image"."""
        patterns = self.patterns
        return {
            "bcc_probability": self.bcc_probability,
            "bcc": self.bcc,
            "malignant": {lesion.target: value for lesion, value in self.malignant.items()},
            "modality": self.modality and self.modality.value,
            "patterns": {pattern.value: finding.probability for pattern, finding in patterns.items()},
            "pattern_calls": {pattern.value: finding.call.value for pattern, finding in patterns.items()},
            "lesion": {lesion.value: value for lesion, value in self.lesion.items()},
            "needs_person": self.needs_person,
            "reasons": [reason.value for reason in self.reasons],
            "bundle": self.bundle,
        }
