"""What an epoch is drawn from: several collections, each with its share, rarer types more often than they occur."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Generator, Tensor

from ml.data.collections import CLINICS, Collection
from ml.data.isic2019 import SIDE
from ml.patterns import LESIONS
from ml.training.recipe.config import Recipe
from ml.training.recipe.occlusions import occlude
from ml.training.recipe.pattern_labels import Known, PatternLabels, labels_of
from ml.training.recipe.views import affine, at_low_resolution, cells_seen, views

_CPU = torch.device("cpu")


class Batch(NamedTuple):
    """`images` (B, 3, S, S) float in 0–255; `lesion` (B,) index into `LESIONS`; `present` (B, 7) and `cells`
    (B, 16, 7) in 0–1, NaN where nobody knows."""

    images: Tensor
    lesion: Tensor
    present: Tensor
    cells: Tensor


@dataclass(frozen=True)
class Pool:
    """A collection's training images: which `rows` of its `pixels` (N, 3, S, S), of what type, with which patterns, and
    how often each is drawn."""

    pixels: Tensor
    rows: Tensor
    lesion: Tensor
    labels: PatternLabels
    weight: Tensor
    degraded: float

    @classmethod
    def of(
        cls,
        collection: Collection,
        held_out: frozenset[str],
        recipe: Recipe,
        known: Known,
        pixels: Tensor,
    ) -> "Pool":
        rows = np.array([k for k, item in enumerate(collection.items) if item.group not in held_out], np.int64)
        items = [collection.items[row] for row in rows]
        lesion = torch.tensor([LESIONS.index(item.diagnosis) for item in items])
        counts = torch.bincount(lesion, minlength=len(LESIONS)).clamp(min=1).double()
        labels = labels_of(known, [item.image_id for item in items])
        read = ~labels.present.isnan().all(dim=1)
        weight = counts[lesion] ** -recipe.balance * torch.where(read, recipe.labelled, 1.0)
        return cls(
            pixels,
            torch.from_numpy(rows).to(pixels.device),
            lesion,
            labels,
            weight / weight.sum() * recipe.shares[collection.name],
            0.0 if collection.name == CLINICS else recipe.degraded,
        )


def stored(
    collections: Sequence[Collection], size: int, cache: Path | None = None, device: torch.device = _CPU
) -> Mapping[str, Tensor]:
    """The pixels of every collection by its name, (N, 3, S, S) uint8, for views that are `size` pixels square."""
    found = {}
    for each in collections:
        # A little larger than the views, so that one that zooms in has something to show.
        pixels = np.array(each.pixels(SIDE if each.name == CLINICS else size * 8 // 7, cache))
        found[each.name] = torch.from_numpy(pixels).to(device).permute(0, 3, 1, 2)
    return found


class Draws:
    """Epochs of batches; an epoch's images and views depend on its seed alone, on whatever device they are."""

    def __init__(
        self,
        collections: Sequence[Collection],
        held_out: frozenset[str],
        recipe: Recipe,
        pixels: Mapping[str, Tensor],
        known: Known | None = None,
    ) -> None:
        self.recipe = recipe
        self.pools = [Pool.of(each, held_out, recipe, known or {}, pixels[each.name]) for each in collections]
        self.device = self.pools[0].pixels.device
        self._weight = torch.cat([pool.weight for pool in self.pools])
        self._ends = torch.tensor([len(pool.rows) for pool in self.pools]).cumsum(0)

    def epoch(self, seed: int, size: int) -> Iterator[Batch]:
        """Batches of views that are `size` pixels square."""
        generator = Generator().manual_seed(seed)
        drawn = torch.multinomial(self._weight, self.recipe.draws, replacement=True, generator=generator)
        for part in drawn.split(self.recipe.batch):
            yield self._batch(part, size, generator)

    def _batch(self, drawn: Tensor, size: int, generator: Generator) -> Batch:
        owner = torch.searchsorted(self._ends, drawn, right=True)
        sharp: list[Batch] = []
        low: list[Batch] = []
        for number, pool in enumerate(self.pools):
            places = drawn[owner == number] - (int(self._ends[number - 1]) if number else 0)
            reduced = torch.rand(len(places), generator=generator) < pool.degraded
            for chosen, shrink in ((places[~reduced], False), (places[reduced], True)):
                if len(chosen):
                    pixels = pool.pixels[pool.rows[chosen.to(self.device)]]
                    pixels = at_low_resolution(pixels) if shrink else pixels
                    part = Batch(pixels, pool.lesion[chosen], *(column[chosen] for column in pool.labels))
                    (low if pixels.shape[-1] == SIDE else sharp).append(part)
        seen = [self._seen(part, size, generator) for part in (sharp, low) if part]
        return Batch(*(torch.cat(column) for column in zip(*seen, strict=True)))

    def _seen(self, parts: Sequence[Batch], size: int, generator: Generator) -> Batch:
        """One view of each of several stored images of one size."""
        pixels, lesion, present, cells = (torch.cat(column) for column in zip(*parts, strict=True))
        placed = affine(len(pixels), generator)
        images = views(pixels, placed, size, generator)
        if self.recipe.occlusions:
            images = occlude(images, self.recipe.occlusions, generator)
        seen = cells_seen(cells, placed)
        return Batch(images, lesion.to(self.device), present.to(self.device), seen.to(self.device))

    def counts(self) -> Mapping[str, int]:
        """How many images of each type there are to draw from."""
        lesion = torch.cat([pool.lesion for pool in self.pools])
        return {name.value: int((lesion == index).sum()) for index, name in enumerate(LESIONS)}
