"""card.json, next to the weights: everything that serving and people must know about a trained model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from ml.imaging.preprocessing import PreprocessingSpec
from ml.imaging.quality import QualityLimits
from ml.patterns import Lesion, Pattern

FORMAT_VERSION: Final = 1
BCC: Final = "BCC"

# Keys of cards and reports written by earlier versions → today's.
_RENAMED: Final = {
    "wanted": "target_sensitivity",
    "strangers": "out_of_distribution",
    "strangers_total": "out_of_distribution_total",
}

Floats = npt.NDArray[np.float64]


def with_current_keys(data: Any) -> Any:
    """The JSON of a card or report with every former key under its present name."""
    if isinstance(data, Mapping):
        return {_RENAMED.get(key, key): with_current_keys(value) for key, value in data.items()}
    return [with_current_keys(value) for value in data] if isinstance(data, list) else data


def calibrated(logits: npt.ArrayLike, temperature: float, offset: float) -> Floats:
    """sigmoid((z + offset) / temperature) of logits z: the only place where a finding's logit becomes a probability."""
    z = (np.asarray(logits, np.float64) + offset) / temperature
    return np.asarray(0.5 * (1 + np.tanh(z / 2)))  # the sigmoid, written so that it cannot overflow


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold on the calibrated probability, chosen on validation for a target sensitivity, as measured there."""

    target_sensitivity: float
    threshold: float
    sensitivity: float
    specificity: float


@dataclass(frozen=True)
class Target:
    """One finding the model was trained for: BCC, or a pattern by its code. `calibrated` explains the two numbers."""

    code: str
    evidence: str
    temperature: float
    offset: float
    operating_points: tuple[OperatingPoint, ...]
    default_sensitivity: float
    choice: str = ""  # how the default threshold was chosen, where not by target sensitivity

    @property
    def label(self) -> str:
        return "Basal cell carcinoma" if self.code == BCC else Pattern(self.code).label

    @property
    def threshold(self) -> float:
        """Probability from which the finding counts as present: the default operating point's."""
        return next(p.threshold for p in self.operating_points if p.target_sensitivity == self.default_sensitivity)

    def probability(self, logits: npt.ArrayLike) -> Floats:
        """Calibrated probabilities of an array of this target's logits."""
        return calibrated(logits, self.temperature, self.offset)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        points = tuple(OperatingPoint(**{k: float(v) for k, v in point.items()}) for point in data["operating_points"])
        target = cls(
            code=BCC if data["code"] == BCC else Pattern(data["code"]).value,
            evidence=str(data["evidence"]),
            temperature=float(data["temperature"]),
            offset=float(data["offset"]),
            operating_points=points,
            default_sensitivity=float(data["default_sensitivity"]),
            choice=str(data.get("choice", "")),
        )
        if target.temperature <= 0 or all(point.target_sensitivity != target.default_sensitivity for point in points):
            raise ValueError(f"target {target.code}: no usable temperature or default operating point")
        return target


@dataclass(frozen=True)
class Novelty:
    """The distance (`ml.training.novelty`) above which an image is out of distribution, and the kind of distance."""

    threshold: float
    method: str

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(float(data["threshold"]), str(data["method"]))


@dataclass(frozen=True)
class Card:
    """The card of a bundle. `targets` are in the order of the graph's outputs: BCC, then the assessed patterns."""

    name: str
    created: str
    sha256: str
    backbone: str
    preprocessing: PreprocessingSpec
    targets: tuple[Target, ...]
    lesions: tuple[Lesion, ...]
    lesion_temperature: float
    quality: QualityLimits
    intended_use: str
    clinically_validated: bool
    notice: str
    novelty: Novelty | None = None  # None in bundles without such a test
    data: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def bcc(self) -> Target:
        return self.targets[0]

    @property
    def patterns(self) -> tuple[Pattern, ...]:
        """The patterns this model was trained for; any other is "not assessed by this model"."""
        return tuple(Pattern(target.code) for target in self.targets[1:])

    def unfamiliar(self, distances: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
        """Which novelty distances exceed the card's threshold: none where the bundle has no such test."""
        limit = np.inf if self.novelty is None else self.novelty.threshold
        return np.asarray(distances > limit)

    @property
    def reference(self) -> str:
        """Name and weights in one string, stored with every result."""
        return f"{self.name}@{self.sha256[:12]}"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Raises KeyError, TypeError, ValueError on a card that this version of the code cannot use."""
        data = with_current_keys(data)
        if data["format_version"] != FORMAT_VERSION:
            raise ValueError(
                f"card format {data['format_version']} is not known here (this is format {FORMAT_VERSION})"
            )
        targets = tuple(Target.from_json(target) for target in data["targets"])
        if not targets or targets[0].code != BCC:
            raise ValueError("the first target must be BCC")
        return cls(
            targets=targets,
            preprocessing=PreprocessingSpec.from_json(data["preprocessing"]),
            lesions=tuple(Lesion(code) for code in data["lesions"]),
            lesion_temperature=float(data["lesion_temperature"]),
            quality=QualityLimits.from_json(data["quality"]),
            clinically_validated=bool(data["clinically_validated"]),
            name=str(data["name"]),
            created=str(data["created"]),
            sha256=str(data["sha256"]),
            backbone=str(data["backbone"]),
            intended_use=str(data["intended_use"]),
            notice=str(data["notice"]),
            novelty=Novelty.from_json(data["novelty"]) if data.get("novelty") else None,
            data=dict(data["data"]),
            metrics=dict(data["metrics"]),
            training=dict(data["training"]),
            versions=dict(data["versions"]),
        )

    def to_json(self) -> dict[str, Any]:
        return {"format_version": FORMAT_VERSION, **asdict(self)}
