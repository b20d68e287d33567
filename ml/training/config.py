"""A run's configuration, and the three training steps of Matas et al., arXiv 2407.00104, for any backbone."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from ml.backbones import DEFAULT, find


@dataclass(frozen=True)
class Stage:
    """One step: blocks below `cut` are frozen; `views` of each image are cached, 0 for a fresh one every time."""

    name: str
    cut: int
    epochs: int
    rate: float
    views: int = 0


def three_steps(backbone: str = DEFAULT, epochs: Sequence[int] = (3, 3, 4, 4)) -> tuple[Stage, ...]:
    """The paper's three steps for a backbone; the third runs at a high rate and then at a low one.

    The first blocks stay frozen throughout: edges and colours are well learnt from ImageNet. Raises `DataError`.
    """
    heads, last, most = find(backbone).cuts
    return (
        Stage("heads", heads, epochs[0], rate=3e-3, views=1),
        Stage("last blocks", last, epochs[1], rate=1e-3),
        Stage("nearly all", most, epochs[2], rate=7e-4),
        Stage("nearly all, slowly", most, epochs[3], rate=1.5e-4),
    )


@dataclass(frozen=True)
class Config:
    """Everything that determines a run's outcome; saved as config.json in its folder."""

    weights: str
    backbone: str = DEFAULT
    seed: int = 1
    fold: int = 0
    # Side of the input in pixels; 0: the size that the backbone's weights expect.
    size: int = 0
    batch: int = 64
    # Images sampled per epoch, and synthetic drawings among the training images.
    draws: int = 9600
    drawings: int = 4000
    dropout: float = 0.3
    gamma: float = 2.0
    weight_decay: float = 1e-2
    # An image's sampling weight is (images of its type)^-balance: 0 keeps the natural mix, 1 equalises the types.
    balance: float = 0.5
    # Weights, relative to BCC's loss, of the patterns' loss, the clinical rule's and that of heatmaps outside masks.
    pattern_weight: float = 2.0
    rule_weight: float = 0.5
    outside_weight: float = 0.3
    # Whether the run has ISIC 2018 Task 2 (hence pattern heads) and other clinics, besides HAM10000.
    patterns: bool = False
    clinics: bool = False
    # bfloat16: twice as fast on GPUs and on CPUs that support it.
    half: bool = False
    stages: tuple[Stage, ...] = field(default_factory=three_steps)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        return cls(**{**data, "stages": tuple(Stage(**stage) for stage in data["stages"])})
