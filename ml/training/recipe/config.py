"""Everything that decides what a run becomes, kept beside it; a folder that holds another run is refused."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from ml.data.records import DataError

FILE: Final = "config.json"


@dataclass(frozen=True)
class Recipe:
    """Sizes in pixels, rates per step. `held_out` is what the fold withholds, as a digest, so that data that changed
    is another run too."""

    weights: str
    held_out: str
    seed: int = 1
    fold: int = 0
    backbone: str = "mobilenet_v2"
    # Blocks below stay as ImageNet left them: edges and colours.
    cut: int = 2
    # Side of the training views, and of the whole pictures in evaluation. A view shows 0.7 to 1 of a picture's side, so
    # a lesion is as large in a view of 160 as in a picture of 190 (Touvron et al., arXiv 1906.06423).
    size: int = 160
    evaluated: int = 192
    epochs: int = 15
    # The first `small_epochs` see smaller views, which cost less (Tan, Le, arXiv 2104.00298).
    small: int = 128
    small_epochs: int = 0
    draws: int = 9600
    batch: int = 32
    rate: float = 1e-3
    weight_decay: float = 1e-2
    warmup: float = 0.15
    average: float = 0.998
    dropout: float = 0.3
    smoothing: float = 0.05
    # An image's chance of being drawn within its collection is (images of its type)^-balance.
    balance: float = 0.5
    shares: Mapping[str, float] = field(
        default_factory=lambda: {"HAM10000": 0.41, "MILK10k": 0.41, "ISIC 2019": 0.12, "ISIC 2018 Task 2": 0.06},
    )
    # An image whose patterns are labelled is drawn that many times as often as one of its type without.
    labelled: float = 2.0
    # How much the patterns' loss counts beside the diagnosis.
    patterns: float = 1.0
    # How many of the images of full resolution are shown at the 84 pixels of ISIC 2019.
    degraded: float = 0.12

    # Weights of an earlier run to start from, instead of ImageNet's.
    initial: str = ""
    # Runs (folders) whose networks are asked about every view, and how much that counts against the labels.
    teachers: tuple[str, ...] = ()
    teacher_share: float = 0.6

    # Tried one at a time; what they are by default is what the recipe uses. Focal exponent (Lin et al., arXiv
    # 1708.02002), mixup (Zhang et al., arXiv 1710.09412), hair, ink and circle over the views, and the three steps of
    # Matas et al.: heads alone, everything, pattern heads alone.
    gamma: float = 0.0
    mixup: float = 0.0
    occlusions: float = 0.0
    three_steps: bool = False

    @property
    def steps(self) -> int:
        """Of the optimiser, in one epoch."""
        return -(-self.draws // self.batch)

    def size_in(self, epoch: int) -> int:
        """Side of the views in an epoch, counted from 0."""
        return self.small if epoch < self.small_epochs else self.size

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "teachers": list(self.teachers)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(**{**data, "teachers": tuple(data["teachers"])})


def claim(folder: Path, recipe: Recipe) -> None:
    """Make the folder this run's own, or find that it is already. Raises `DataError` where it holds another run."""
    file = folder / FILE
    wanted = recipe.to_json()
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(wanted, indent=1) + "\n", encoding="utf-8")
        return
    # What an older configuration does not name is as it is by default.
    found = {**Recipe(weights="", held_out="").to_json(), **json.loads(file.read_text(encoding="utf-8"))}
    differing = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
    if differing:
        raise DataError(f"{folder} holds another run: {', '.join(differing)} differ. Choose another folder.")


def read(folder: Path) -> Recipe:
    """The configuration of a run. Raises `DataError`."""
    try:
        return Recipe.from_json(json.loads((folder / FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{folder} holds no run of this recipe: {error}") from error
