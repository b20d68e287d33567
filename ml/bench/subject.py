"""What is timed: a bundle, the same network in torch, and synthetic images as files."""

import io
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from ml.bundle import Bundle
from ml.imaging.decoding import decode
from ml.imaging.preprocessing import prepare
from ml.phantoms import generate
from ml.training.recipe.graph import read_network
from ml.training.recipe.network import LesionNet

Array = npt.NDArray[np.float32]
_SIZE: Final = (600, 450)  # as in HAM10000


@dataclass(frozen=True)
class Subject:
    """`bundle` and `network` are the same network; `inputs` (N, 3, S, S) are the prepared `files` (JPEG)."""

    bundle: Bundle
    network: LesionNet
    files: tuple[bytes, ...]
    inputs: Array


def subject(bundle: Bundle, images: int) -> Subject:
    files = tuple(_phantom(seed) for seed in range(images))
    spec = bundle.card.preprocessing
    inputs = np.stack([prepare(decode(file), spec) for file in files])
    return Subject(bundle, read_network(bundle), files, inputs)


def _phantom(seed: int) -> bytes:
    stream = io.BytesIO()
    generate(seed, size=_SIZE).image.save(stream, "JPEG", quality=92)
    return stream.getvalue()
