"""Pooled features of images that heads are fitted on while the network stays as it is, kept beside the fold."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from ml.imaging.preprocessing import PreprocessingSpec, square
from ml.training.recipe.network import LesionNet
from ml.training.recipe.predictions import answer

Load = Callable[[], Image.Image]
_BATCH = 64
# Close-ups are 160 pixels wide here. Everything the gate learns from is shrunk to that, or it would learn the size.
GATE_SIDE = 160


class Features(NamedTuple):
    """`image_id` (N,) beside `features` (N, F), as of `ml.training.recipe.predictions`."""

    image_id: npt.NDArray[np.str_]
    features: npt.NDArray[np.float16]


def features_of(
    network: LesionNet, images: Iterable[tuple[str, Load]], side: int, file: Path, shrunk: int | None = None
) -> Features:
    """Of (name, how to get the picture), read from `file` where it is there already.

    `shrunk`: as if the analysed square had been that many pixels wide.
    """
    if not file.exists():
        _write(network, list(images), side, file, shrunk)
    with np.load(file) as found:
        return Features(found["image_id"], found["features"])


def _write(network: LesionNet, images: list[tuple[str, Load]], side: int, file: Path, shrunk: int | None) -> None:
    parts = []
    for start in range(0, len(images), _BATCH):
        squares = [seen(load(), side, shrunk) for _, load in images[start : start + _BATCH]]
        parts.append(answer(network, np.stack(squares), views=2).features)
    temporary = file.with_suffix(".part.npz")
    np.savez(temporary, image_id=np.array([name for name, _ in images]), features=np.concatenate(parts))
    temporary.replace(file)


def seen(image: Image.Image, side: int, shrunk: int | None = None) -> npt.NDArray[np.uint8]:
    """The analysed square (side, side, 3) of a decoded picture."""
    if shrunk:
        image = Image.fromarray(square(image, PreprocessingSpec(size=shrunk)))
    return square(image, PreprocessingSpec(size=side))
