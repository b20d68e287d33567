"""Phantoms and grafts: synthetic training and test images with exact labels, drawn in parallel.

A phantom is drawn entirely; a graft paints structures into the lesion of a real benign photograph, so that only the
structure itself tells the two apart. Training, validation and test never share a seed.
"""

import io
import multiprocessing
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from ml.data.ham10000 import Ham10000
from ml.data.records import Record
from ml.data.splits import Split
from ml.imaging.preprocessing import PreprocessingSpec, region, square
from ml.patterns import Pattern
from ml.phantoms import Phantom, Tone, generate, graft

# The field of a HAM10000 image before its centre crop: 600 × 450, at the height of 256 pixels.
SIZE: Final = (341, 256)
FIRST_SEED: Final = {Split.TRAIN: 1_000_000, Split.VALIDATION: 2_000_000, Split.TEST: 3_000_000}
# Side of the pattern masks: four times that of MobileNet-V2's last map at 224 pixels.
MASK_SIDE: Final = 28
# A structure with fewer pixels than this in the analysed square counts as unknown.
_VISIBLE_PIXELS: Final = 40
_WORTH_PROCESSES: Final = 64


@dataclass(frozen=True, eq=False)
class Drawn:
    """N drawings in the analysed square.

    `pixels` (N, S, S, 3) uint8; `patterns` (N, 7) 1, 0, NaN for unknown; `bcc` (N,) by the rule, NaN for grafts;
    `masks` (N, 7, `MASK_SIDE`, `MASK_SIDE`) uint8, how much of each cell the outlined pattern covers.
    """

    pixels: npt.NDArray[np.uint8]
    patterns: npt.NDArray[np.float32]
    bcc: npt.NDArray[np.float32]
    masks: npt.NDArray[np.uint8]


_Job = tuple[int, PreprocessingSpec, Image.Image | None, npt.NDArray[np.bool_] | None]
_Labelled = tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32], float, npt.NDArray[np.uint8]]


def drawings(
    split: Split, data: Ham10000, records: Sequence[Record], count: int, spec: PreprocessingSpec, folder: Path
) -> Drawn:
    """Phantoms and grafts, half of `count` each. Drawing takes minutes, so the result is cached in `folder`."""
    file = folder / f"drawn-{split.value}-{spec.size}.npz"
    names = [field.name for field in fields(Drawn)]
    if not file.exists():
        made = [phantoms(split, count // 2, spec), grafts(split, data, records, count // 2, spec)]
        whole = Drawn(*(np.concatenate([getattr(part, name) for part in made]) for name in names))
        np.savez(file, allow_pickle=False, **vars(whole))
    with np.load(file) as arrays:
        return Drawn(*(arrays[name] for name in names))


def phantoms(split: Split, count: int, spec: PreprocessingSpec) -> Drawn:
    """The first `count` phantoms of a split; every second one has a tone chosen regardless of its patterns."""
    first = FIRST_SEED[split]
    return _collect(((seed, spec, None, None) for seed in range(first, first + count)), count)


def grafts(split: Split, data: Ham10000, records: Sequence[Record], count: int, spec: PreprocessingSpec) -> Drawn:
    """Structures painted on `count` benign lesions among `records`, which must belong to the same split."""
    benign = [record for record in records if not record.bcc]
    chosen = np.random.default_rng(FIRST_SEED[split]).permutation(len(benign))[:count]
    first = FIRST_SEED[split] + 500_000

    def jobs() -> Iterator[_Job]:
        for number, index in enumerate(chosen):
            mask = data.mask(benign[index])
            if mask.any():
                yield first + number, spec, data.image(benign[index]), mask

    return _collect(jobs(), len(chosen))


def _collect(jobs: Iterable[_Job], count: int) -> Drawn:
    if count < _WORTH_PROCESSES:
        done = [_draw(job) for job in jobs]
    else:
        # "spawn", because a fork of a process that has run torch may hang.
        with multiprocessing.get_context("spawn").Pool() as pool:
            drawn = pool.imap(_draw, jobs, chunksize=8)
            done = list(tqdm(drawn, total=count, desc="drawing", unit="image", leave=False, mininterval=2))
    return Drawn(
        np.stack([pixels for pixels, *_ in done]),
        np.stack([patterns for _, patterns, *_ in done]),
        np.array([bcc for _, _, bcc, _ in done], np.float32),
        np.stack([masks for *_, masks in done]),
    )


def _draw(job: _Job) -> _Labelled:
    seed, spec, photograph, mask = job
    if photograph is None:
        tone = list(Tone)[seed // 2 % len(Tone)] if seed % 2 else None
        phantom = generate(seed, size=SIZE, tone=tone)
        patterns = _visible(phantom)
        return square(_as_jpeg(phantom.image), spec), patterns, float(phantom.bcc), _coverage(phantom)
    phantom = graft(photograph, seed, lesion_mask=mask)
    patterns = _visible(phantom)
    if patterns[0] == 0:
        patterns[0] = np.nan  # the photograph may show a network of its own
    return square(_as_jpeg(phantom.image), spec), patterns, float("nan"), _coverage(phantom)


def _visible(phantom: Phantom) -> npt.NDArray[np.float32]:
    """Present, absent, or unknown if the analysed square shows only a trace of the structure."""
    box = region(*phantom.image.size)
    shown = [
        int(phantom.masks[pattern][box.top : box.top + box.size, box.left : box.left + box.size].sum())
        for pattern in Pattern
    ]
    labels = [0.0 if pattern not in phantom.patterns else 1.0 for pattern in Pattern]
    traces = [label and pixels < _VISIBLE_PIXELS for label, pixels in zip(labels, shown, strict=True)]
    return np.array([np.nan if trace else label for label, trace in zip(labels, traces, strict=True)], np.float32)


def _coverage(phantom: Phantom) -> npt.NDArray[np.uint8]:
    box, size = region(*phantom.image.size).box, (MASK_SIDE, MASK_SIDE)
    areas = [Image.fromarray(phantom.region(pattern).astype(np.uint8) * 255) for pattern in Pattern]
    return np.stack([np.asarray(area.resize(size, Image.Resampling.BOX, box=box)) for area in areas])


def _as_jpeg(image: Image.Image) -> Image.Image:
    """Compress as every photograph was: the absence of artefacts must not give phantoms away."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")
