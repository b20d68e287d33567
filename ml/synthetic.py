"""Phantoms and grafts as training and test images with exact labels, drawn once on every processor core.

A phantom is drawn whole; a graft paints structures into the lesion of a real benign photograph, so that nothing but the
structure itself separates the two. Seeds of training, validation and test never meet.
"""

import io
import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from ml.datasets import Ham10000, Record, Split
from ml.patterns import Pattern
from ml.phantoms import Phantom, Tone, generate, graft
from ml.preprocessing import PreprocessingSpec, region, square

# The field of a HAM10000 image before its centre crop: 600 × 450, at the height of 256 pixels.
SIZE: Final = (341, 256)
FIRST_SEED: Final = {Split.TRAIN: 1_000_000, Split.VALIDATION: 2_000_000, Split.TEST: 3_000_000}
# A structure of which the analysed square shows less than this is not asked for.
_VISIBLE_PIXELS: Final = 40
_WORTH_PROCESSES: Final = 64


@dataclass(frozen=True, eq=False)
class Drawn:
    """`pixels` (N, S, S, 3) uint8; `patterns` (N, 7) 1, 0, NaN for unknown; `bcc` (N,) by the rule, NaN for grafts."""

    pixels: npt.NDArray[np.uint8]
    patterns: npt.NDArray[np.float32]
    bcc: npt.NDArray[np.float32]


_Job = tuple[int, PreprocessingSpec, Image.Image | None, npt.NDArray[np.bool_] | None]
_Labelled = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], float]


def phantoms(split: Split, count: int, spec: PreprocessingSpec) -> Drawn:
    """The first `count` phantoms of a split; every other one has a tone that does not fit its patterns."""
    first = FIRST_SEED[split]
    return _collect(((seed, spec, None, None) for seed in range(first, first + count)), count)


def grafts(split: Split, data: Ham10000, records: Sequence[Record], count: int, spec: PreprocessingSpec) -> Drawn:
    """Structures painted on `count` of the benign lesions among `records`, which must be of the same split."""
    benign = [record for record in records if not record.bcc]
    chosen = np.random.default_rng(FIRST_SEED[split]).permutation(len(benign))[:count]
    first = FIRST_SEED[split] + 500_000

    def jobs() -> Iterator[_Job]:
        for number, index in enumerate(chosen):
            mask = data.mask(benign[index])
            if mask.any():
                yield first + number, spec, data.image(benign[index]), mask

    return _collect(jobs(), len(chosen))


def join(parts: Sequence[Drawn]) -> Drawn:
    return Drawn(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([part.patterns for part in parts]),
        np.concatenate([part.bcc for part in parts]),
    )


def _collect(jobs: Iterable[_Job], count: int) -> Drawn:
    if count < _WORTH_PROCESSES:
        done = [_draw(job) for job in jobs]
    else:
        # "spawn": a fork of a process in which torch has run may hang.
        with multiprocessing.get_context("spawn").Pool() as pool:
            drawn = pool.imap(_draw, jobs, chunksize=8)
            done = list(tqdm(drawn, total=count, desc="drawing", unit="image", leave=False, mininterval=2))
    return Drawn(
        np.stack([pixels for pixels, _, _ in done]),
        np.stack([patterns for _, patterns, _ in done]),
        np.array([bcc for _, _, bcc in done], np.float32),
    )


def _draw(job: _Job) -> _Labelled:
    seed, spec, photograph, mask = job
    if photograph is None:
        tone = list(Tone)[seed // 2 % len(Tone)] if seed % 2 else None
        phantom = generate(seed, size=SIZE, tone=tone)
        patterns = _visible(phantom)
        return square(_as_jpeg(phantom.image), spec), patterns, float(phantom.bcc)
    phantom = graft(photograph, seed, lesion_mask=mask)
    patterns = _visible(phantom)
    if patterns[0] == 0:
        patterns[0] = np.nan  # the photograph may have a network of its own
    return square(_as_jpeg(phantom.image), spec), patterns, float("nan")


def _visible(phantom: Phantom) -> npt.NDArray[np.float32]:
    """Present, absent, or unknown where the analysed square shows only a trace of a structure."""
    box = region(*phantom.image.size)
    shown = [
        int(phantom.masks[pattern][box.top : box.top + box.size, box.left : box.left + box.size].sum())
        for pattern in Pattern
    ]
    labels = [0.0 if pattern not in phantom.patterns else 1.0 for pattern in Pattern]
    traces = [label and pixels < _VISIBLE_PIXELS for label, pixels in zip(labels, shown, strict=True)]
    return np.array([np.nan if trace else label for label, trace in zip(labels, traces, strict=True)], np.float32)


def _as_jpeg(image: Image.Image) -> Image.Image:
    """Through the compression that every photograph went through: its absence must not tell phantoms apart."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")
