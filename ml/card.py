"""card.json, next to the weights: everything that serving and people must know about a trained model."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from ml.imaging.preprocessing import PreprocessingSpec
from ml.imaging.quality import QualityLimits
from ml.patterns import MALIGNANT, Call, Lesion, Pattern

FORMAT_VERSION: Final = 2
BCC: Final = "BCC"
# The findings that have a probability and a map, in the order of the graph's maps.
CODES: Final = (BCC, *(pattern.value for pattern in Pattern), Lesion.MEL.target, Lesion.SCC.target)

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


def at_prior(probability: npt.ArrayLike, fitted: float, wanted: float) -> Floats:
    """Probabilities fitted where a share `fitted` has the finding, for a place where `wanted` has it (Bayes' rule).

    Raises ValueError for a share that is not between 0 and 1.
    """
    if not (0 < fitted < 1 and 0 < wanted < 1):
        raise ValueError(f"A share lies between 0 and 1, unlike {fitted} or {wanted}.")
    given = np.asarray(probability, np.float64)
    present, absent = given * wanted / fitted, (1 - given) * (1 - wanted) / (1 - fitted)
    return np.asarray(present / (present + absent))


@dataclass(frozen=True)
class Measured:
    """A figure on one collection, out of fold, with its 95 % interval; None where it has none."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Promise:
    """Sensitivity and specificity at a target's default threshold on one collection, out of fold: never said beyond it.

    `positives` and `negatives` count images.
    """

    collection: str
    sensitivity: Measured
    specificity: Measured
    positives: int
    negatives: int


@dataclass(frozen=True)
class Labels:
    """What a pattern's labels are worth, on the images that its head had not seen.

    `positives`: images with the pattern by the merged labels. `agreement`: kappa between those who labelled. `auc`:
    within BCC (pigment network: within the experts' set). `correlation`: mean with the other five heads within BCC.
    """

    positives: int
    agreement: float | None
    auc: Measured
    correlation: float | None


@dataclass(frozen=True)
class Place:
    """How a target's map is shown, fitted on validation: full colour from `full` on, and below `floor` as a maximum
    there is "no reliable place"."""

    full: float
    floor: float


@dataclass(frozen=True)
class Target:
    """One finding: a malignant type (BCC, SCC, MEL) or a pattern by its code. `calibrated` explains temperature and
    offset.

    `prior`: share with the finding among the images that the probability was fitted on. `possible_from`: probability
    from which a pattern is called possible; from the default threshold on it is likely. `told_apart` is False for a
    pattern that is only ever "BCC structure, kind not told apart".
    """

    code: str
    evidence: str
    temperature: float
    offset: float
    operating_points: tuple[OperatingPoint, ...]
    default_sensitivity: float
    place: Place
    prior: float
    choice: str = ""  # how the default threshold was chosen, where not by target sensitivity
    possible_from: float | None = None
    told_apart: bool = True
    labels: Labels | None = None
    promises: tuple[Promise, ...] = ()

    @property
    def label(self) -> str:
        return Pattern(self.code).label if self.is_pattern else Lesion(self.code.lower()).label

    @property
    def is_pattern(self) -> bool:
        return self.code in set(Pattern)

    @property
    def threshold(self) -> float:
        """Probability from which the finding counts as likely: the default operating point's."""
        return next(p.threshold for p in self.operating_points if p.target_sensitivity == self.default_sensitivity)

    @property
    def present_from(self) -> float:
        """Probability from which the finding counts as present."""
        return self.threshold if self.possible_from is None else self.possible_from

    def probability(self, logits: npt.ArrayLike) -> Floats:
        """Calibrated probabilities of an array of this target's logits."""
        return calibrated(logits, self.temperature, self.offset)

    def call(self, probability: float) -> Call:
        if probability < self.present_from:
            return Call.NOT_SEEN
        if not self.told_apart:
            return Call.NOT_TOLD_APART
        return Call.LIKELY if probability >= self.threshold else Call.POSSIBLE

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        points = tuple(OperatingPoint(**{k: float(v) for k, v in point.items()}) for point in data["operating_points"])
        code, labels, possible = str(data["code"]), data.get("labels"), data.get("possible_from")
        if code not in CODES:
            raise ValueError(f"there is no finding called {code}")
        target = cls(
            code=code,
            evidence=str(data["evidence"]),
            temperature=float(data["temperature"]),
            offset=float(data["offset"]),
            operating_points=points,
            default_sensitivity=float(data["default_sensitivity"]),
            place=Place(float(data["place"]["full"]), float(data["place"]["floor"])),
            prior=float(data["prior"]),
            choice=str(data.get("choice", "")),
            possible_from=None if possible is None else float(possible),
            told_apart=bool(data.get("told_apart", True)),
            labels=Labels(**{**labels, "auc": Measured(**labels["auc"])}) if labels else None,
            promises=tuple(_promise(promise) for promise in data.get("promises", [])),
        )
        if target.temperature <= 0 or all(point.target_sensitivity != target.default_sensitivity for point in points):
            raise ValueError(f"target {target.code}: no usable temperature or default operating point")
        if not 0 < target.prior < 1 or not target.place.full > 0:
            raise ValueError(f"target {target.code}: no usable prior or scale of its map")
        return target


def _promise(data: Mapping[str, Any]) -> Promise:
    return Promise(
        **{**data, "sensitivity": Measured(**data["sensitivity"]), "specificity": Measured(**data["specificity"])}
    )


@dataclass(frozen=True)
class Gate:
    """An image whose probability of being dermoscopic is below `threshold` needs a person."""

    threshold: float
    method: str

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(float(data["threshold"]), str(data["method"]))


@dataclass(frozen=True)
class Card:
    """The card of a bundle. `targets` are those of `CODES`, in that order, as are the graph's maps."""

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
    gate: Gate
    data: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def bcc(self) -> Target:
        return self.targets[0]

    def target(self, code: str) -> Target:
        return self.targets[CODES.index(code)]

    @property
    def patterns(self) -> tuple[Target, ...]:
        """The seven patterns, in the order of `Pattern`."""
        return tuple(target for target in self.targets if target.is_pattern)

    @property
    def malignant(self) -> tuple[Target, ...]:
        """BCC, SCC and melanoma, in the order of `MALIGNANT`."""
        return tuple(self.target(lesion.target) for lesion in MALIGNANT)

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
                f"it was made for another version of DermTriage (card format {data['format_version']}, here "
                f"{FORMAT_VERSION}); release the model anew with `python -m ml release`"
            )
        targets = tuple(Target.from_json(target) for target in data["targets"])
        if tuple(target.code for target in targets) != CODES:
            raise ValueError(f"its findings must be {', '.join(CODES)}, in this order")
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
            gate=Gate.from_json(data["gate"]),
            data=dict(data["data"]),
            metrics=dict(data["metrics"]),
            training=dict(data["training"]),
            versions=dict(data["versions"]),
        )

    def to_json(self) -> dict[str, Any]:
        return {"format_version": FORMAT_VERSION, **asdict(self)}
