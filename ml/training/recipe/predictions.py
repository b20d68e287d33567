"""What a fold's network says of images it never learnt from, with the pooled features for the pattern heads."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ml.data.collections import Collection
from ml.training.recipe.network import LesionNet
from ml.training.recipe.train import normalise

VIEWS: Final = 4  # as it is, mirrored, upside down, and both
# After these blocks the map is pooled: strides 8, 16, 16, 32, 32 and the last.
STAGES: Final = (6, 10, 13, 16, 17, 18)
CHANNELS: Final = (32, 64, 96, 160, 320, 1280)
_BATCH: Final = 16

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Answers:
    """For N images: `logits` (N, V, 10), BCC's before the nine types', of V views, the picture as it is first;
    `features` (N, F) of that first view and its mirror image averaged: mean, maximum and deviation of each stage."""

    logits: Floats
    features: npt.NDArray[np.float16]


@torch.no_grad()
def answer(network: LesionNet, pixels: npt.NDArray[np.uint8], views: int = VIEWS) -> Answers:
    """(N, S, S, 3) squares → what the network says of each."""
    network.eval()
    logits, features = [], []
    for start in range(0, len(pixels), _BATCH):
        squares = torch.from_numpy(np.ascontiguousarray(pixels[start : start + _BATCH])).permute(0, 3, 1, 2).float()
        seen = [_through(network, turned) for turned in turns(squares)[:views]]
        logits.append(torch.stack([scores for scores, _ in seen], dim=1).numpy())
        features.append(torch.stack([pooled for _, pooled in seen[:2]]).mean(dim=0).to(torch.float16).numpy())
    return Answers(np.concatenate(logits), np.concatenate(features))


def turns(images: Tensor) -> list[Tensor]:
    """(N, 3, S, S) → the four views, each (N, 3, S, S)."""
    return [images, images.flip(3), images.flip(2), images.flip(2, 3)]


def _through(network: LesionNet, images: Tensor) -> tuple[Tensor, Tensor]:
    activations, pooled = normalise(images), []
    for number, block in enumerate(network.features):
        activations = block(activations)
        if number in STAGES:
            pooled += [activations.mean((2, 3)), activations.amax((2, 3)), activations.std((2, 3), correction=0)]
    scores = network.classify(activations.mean(dim=(2, 3)))
    return torch.cat([scores.bcc[:, None], scores.lesion], dim=1), torch.cat(pooled, dim=1)


def write(
    file: Path, network: LesionNet, collections: Sequence[Collection], held_out: frozenset[str], side: int
) -> None:
    """The answers about the held-out images of every collection, as an npz file: image_id, collection, group,
    diagnosis (N,), and what `Answers` has."""
    names, parts = [], []
    for each in collections:
        rows = [k for k, item in enumerate(each.items) if item.group in held_out]
        if rows:
            withheld = Collection(each.name, each.data, tuple(each.items[row] for row in rows))
            parts.append(answer(network, withheld.pixels(side)))
            names += [(i.image_id, i.collection, i.group, i.diagnosis.value) for i in withheld.items]
    columns = dict(zip(("image_id", "collection", "group", "diagnosis"), np.array(names).T, strict=True))
    temporary = file.with_suffix(".part.npz")
    np.savez(
        temporary,
        **columns,
        logits=np.concatenate([part.logits for part in parts]),
        features=np.concatenate([part.features for part in parts]),
    )
    temporary.replace(file)
