"""What is timed: a bundle with all eight targets, the same network in torch, and synthetic images as files."""

import io
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from ml.bundle import MODEL_FILE, Bundle, sha256_of, write_card
from ml.card import BCC, OperatingPoint, Target
from ml.imaging.decoding import decode
from ml.imaging.preprocessing import prepare
from ml.patterns import Pattern
from ml.phantoms import generate
from ml.training.export import export_onnx
from ml.training.network import MultiTaskNet
from ml.training.restore import network_of

Array = npt.NDArray[np.float32]
PATTERNS: Final = tuple(Pattern)
_SIZE: Final = (600, 450)  # as in HAM10000


@dataclass(frozen=True)
class Subject:
    """`bundle` and `network` compute the same eight targets; `inputs` (N, 3, S, S) are the prepared `files` (JPEG)."""

    bundle: Bundle
    network: MultiTaskNet
    files: tuple[bytes, ...]
    inputs: Array
    note: str


def subject(shipped: Bundle, folder: Path, images: int) -> Subject:
    """The shipped bundle if it has all eight targets, else its backbone with random heads."""
    network = network_of(shipped, PATTERNS)
    if shipped.card.patterns == PATTERNS:
        bundle, note = shipped, f"the bundle {shipped.reference}"
    else:
        bundle = _with_eight_targets(shipped, network, folder)
        note = f"eight targets for the bench only: the backbone of {shipped.reference}, heads with random weights"
    files = tuple(_phantom(seed) for seed in range(images))
    spec = bundle.card.preprocessing
    return Subject(bundle, network, files, np.stack([prepare(decode(file), spec) for file in files]), note)


def _with_eight_targets(shipped: Bundle, network: MultiTaskNet, folder: Path) -> Bundle:
    folder.mkdir(parents=True, exist_ok=True)
    export_onnx(network, shipped.card.preprocessing.size, folder / MODEL_FILE)
    points = (OperatingPoint(target_sensitivity=0.95, threshold=0.5, sensitivity=0.0, specificity=0.0),)
    codes = (BCC, *(pattern.value for pattern in PATTERNS))
    targets = tuple(Target(code, "none: random weights, for timing", 1.0, 0.0, points, 0.95) for code in codes)
    write_card(folder, replace(shipped.card, name="bench", sha256=sha256_of(folder / MODEL_FILE), targets=targets))
    return Bundle.load(folder)


def _phantom(seed: int) -> bytes:
    stream = io.BytesIO()
    generate(seed, size=_SIZE).image.save(stream, "JPEG", quality=92)
    return stream.getvalue()
