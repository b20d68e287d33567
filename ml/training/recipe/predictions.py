"""What a fold's network says of images it never learnt from, with the pooled features for the pattern heads."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ml.data.collections import MARKED, Collection, Item
from ml.patterns import Pattern
from ml.training.cells import pooled
from ml.training.recipe.network import STAGES, LesionNet
from ml.training.recipe.weights import normalise

VIEWS: Final = 4  # as it is, mirrored, upside down, and both
PREDICTIONS: Final = "predictions.npz"
PATTERNS: Final = "pattern-scores.npz"
STRUCTURES: Final = "structures-scores.npz"
_BATCH: Final = 16

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Answers:
    """For N images: `logits` (N, V, 10), BCC's before the nine types', of V views, the picture as it is first;
    `features` (N, F) of that first view and its mirror image averaged: mean, maximum and deviation of each stage;
    `cells` (N, 16, 7) logits of the patterns in the first view."""

    logits: Floats
    features: npt.NDArray[np.float16]
    cells: Floats

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


@torch.no_grad()
def answer(network: LesionNet, pixels: npt.NDArray[np.uint8], views: int = VIEWS) -> Answers:
    """(N, S, S, 3) squares → what the network says of each."""
    network.eval()
    parts = []
    for start in range(0, len(pixels), _BATCH):
        squares = torch.from_numpy(np.ascontiguousarray(pixels[start : start + _BATCH])).permute(0, 3, 1, 2).float()
        seen = [_through(network, turned) for turned in turns(squares)[:views]]
        logits = torch.stack([scores for scores, _, _ in seen], dim=1)
        features = torch.stack([means for _, means, _ in seen[:2]]).mean(dim=0).to(torch.float16)
        parts.append(Answers(logits.numpy(), features.numpy(), seen[0][2].numpy()))
    return Answers.joined(parts)


def turns(images: Tensor) -> list[Tensor]:
    """(N, 3, S, S) → the four views, each (N, 3, S, S)."""
    return [images, images.flip(3), images.flip(2), images.flip(2, 3)]


def _through(network: LesionNet, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    activations, maps, features = normalise(images), [], []
    for number, block in enumerate(network.features):
        activations = block(activations)
        if number in STAGES:
            maps.append(activations)
            features += [activations.mean((2, 3)), activations.amax((2, 3)), activations.std((2, 3), correction=0)]
    bcc, lesion = network.classify(activations.mean(dim=(2, 3)))
    return torch.cat([bcc[:, None], lesion], dim=1), torch.cat(features, dim=1), network.cells(maps)


def write(
    folder: Path, network: LesionNet, collections: Sequence[Collection], held_out: frozenset[str], side: int
) -> None:
    """The answers about the held-out images, as three npz files.

    `PREDICTIONS`: image_id, collection, group, diagnosis (N,), and logits and features of `Answers`. `PATTERNS`:
    image_id, scores (N, 7) and cells (N, 16, 7) of the same. `STRUCTURES`: image_id, scores (M,) and cells (M, 16) of
    pigment network in the images that experts marked, where these are among the collections.
    """
    withheld = [each.only(held_out) for each in collections]
    for judged in (True, False):
        part = [each for each in withheld if each.items and (each.name != MARKED) is judged]
        if part:
            items = [item for each in part for item in each.items]
            answers = Answers.joined([answer(network, each.pixels(side)) for each in part])
            _write(folder, items, answers, judged)


def _write(folder: Path, items: Sequence[Item], found: Answers, judged: bool) -> None:
    names = np.array([(i.image_id, i.collection, i.group, i.diagnosis.value) for i in items]).T
    columns = dict(zip(("image_id", "collection", "group", "diagnosis"), names, strict=True))
    cells, image_id = found.cells.astype(np.float64), columns["image_id"]
    scores = pooled(cells)
    if not judged:
        column = list(Pattern).index(Pattern.PN)
        _save(folder / STRUCTURES, image_id=image_id, scores=scores[:, column], cells=cells[..., column])
        return
    _save(folder / PATTERNS, image_id=image_id, scores=scores, cells=cells)
    _save(folder / PREDICTIONS, **columns, logits=found.logits, features=found.features)


def _save(file: Path, **columns: npt.NDArray[Any]) -> None:
    temporary = file.with_suffix(".part.npz")
    np.savez(temporary, allow_pickle=False, **columns)
    temporary.replace(file)
