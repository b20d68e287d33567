"""A finished run, and what its network sees in pictures; kept beside the run, and made anew for other weights or other
pictures."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from ml.data.records import DataError
from ml.imaging.preprocessing import PreprocessingSpec, square
from ml.training.recipe.config import Recipe, read
from ml.training.recipe.explained import stages
from ml.training.recipe.network import LesionNet
from ml.training.recipe.weights import WEIGHTS, load, normalise

# Close-ups are 160 pixels wide here. Everything the gate learns from is shrunk to that, or it would learn the size.
GATE_SIDE: Final = 160
_BATCH: Final = 16

Arrays = Mapping[str, npt.NDArray[Any]]


class Picture(NamedTuple):
    """One image to look at. `source` is its collection or kind, `name` unique within it; `diagnosis` "" for none."""

    source: str
    name: str
    group: str
    diagnosis: str
    load: Callable[[], Image.Image]


@dataclass(frozen=True, eq=False)
class Run:
    """A network that is trained, its configuration and its folder; `digest` tells its weights from others."""

    folder: Path
    recipe: Recipe
    network: LesionNet
    digest: str

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises `DataError` where no finished run is."""
        recipe, file = read(folder), folder / WEIGHTS
        if not file.exists():
            raise DataError(f"{folder} holds no finished run yet.")
        return cls(folder, recipe, load(recipe, folder), hashlib.sha256(file.read_bytes()).hexdigest())

    @property
    def side(self) -> int:
        return self.recipe.evaluated


def squares(pictures: Sequence[Picture], side: int, shrunk: int | None = None) -> Tensor:
    """(N, 3, side, side) normalised. `shrunk`: as if the analysed square had been that many pixels wide."""
    pixels = np.stack([_square(picture.load(), side, shrunk) for picture in pictures])
    return normalise(torch.from_numpy(pixels).permute(0, 3, 1, 2).float())


def _square(image: Image.Image, side: int, shrunk: int | None) -> npt.NDArray[np.uint8]:
    if shrunk:
        image = Image.fromarray(square(image, PreprocessingSpec(size=shrunk)))
    return square(image, PreprocessingSpec(size=side))


def means(run: Run, images: Tensor) -> npt.NDArray[np.float16]:
    """(N, 3, S, S) → (N, F): the mean of every stage."""
    parts = [stage.mean(dim=(2, 3)) for stage in stages(run.network, images)]
    return torch.cat(parts, dim=1).to(torch.float16).numpy()


@torch.no_grad()
def kept(
    file: Path,
    pictures: Sequence[Picture],
    key: str,
    side: int,
    look: Callable[[Tensor], Arrays],
    shrunk: int | None = None,
) -> Arrays:
    """source, name, group, diagnosis (N,) of the pictures, and what `look` finds in batches of them.

    Read from `file` where that holds the same pictures and the same `key`; otherwise written there.
    """
    columns = {field: [getattr(one, field) for one in pictures] for field in Picture._fields[:-1]}
    digest = hashlib.sha256(repr((key, side, shrunk, columns)).encode()).hexdigest()
    if file.exists():
        with np.load(file) as stored:
            if str(stored["digest"]) == digest:
                return {name: stored[name] for name in stored.files}
    batches = [pictures[start : start + _BATCH] for start in range(0, len(pictures), _BATCH)]
    parts = [look(squares(batch, side, shrunk)) for batch in batches]
    found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    result: dict[str, Any] = {"digest": np.array(digest)}
    result |= {name: np.array(value) for name, value in columns.items()} | found
    temporary = file.with_suffix(".part.npz")
    np.savez(temporary, **result)
    temporary.replace(file)  # an interruption leaves nothing that looks finished
    return result
