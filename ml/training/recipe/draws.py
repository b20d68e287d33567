"""What an epoch is drawn from: several collections, each with its share, rarer types more often than they occur."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Generator, Tensor

from ml.data.collections import CLINICS, Collection
from ml.data.diagnoses import DIAGNOSES, Diagnosis
from ml.data.isic2019 import SIDE
from ml.training.recipe.config import Recipe
from ml.training.recipe.lessons import Lessons, read_lessons, taught
from ml.training.recipe.views import at_low_resolution, views


class Batch(NamedTuple):
    """`images` (B, 3, S, S) float in 0–255; `bcc` (B,) 0 or 1; `lesion` (B,) index into `DIAGNOSES`; `taught` (B, 10)
    teachers' probabilities of BCC and of each type, NaN where no teacher has seen the image."""

    images: Tensor
    bcc: Tensor
    lesion: Tensor
    taught: Tensor


@dataclass(frozen=True)
class Pool:
    """A collection's training images: (N, S, S, 3), which types, and how often each is drawn."""

    pixels: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.int64]  # of `pixels`: those that are not held out
    lesion: Tensor
    weight: Tensor
    degraded: float
    taught: Tensor

    @classmethod
    def of(
        cls,
        collection: Collection,
        held_out: frozenset[str],
        recipe: Recipe,
        cache: Path | None = None,
        lessons: Lessons | None = None,
    ) -> "Pool":
        low = collection.name == CLINICS
        # A little larger than the views, so that one that zooms in has something to show.
        side = SIDE if low else recipe.size * 8 // 7
        rows = np.array([k for k, item in enumerate(collection.items) if item.group not in held_out], np.int64)
        lesion = torch.tensor([DIAGNOSES.index(collection.items[row].diagnosis) for row in rows])
        counts = torch.bincount(lesion, minlength=len(DIAGNOSES)).clamp(min=1).double()
        weight = counts[lesion] ** -recipe.balance
        return cls(
            collection.pixels(side, cache),
            rows,
            lesion,
            weight / weight.sum() * recipe.shares[collection.name],
            0.0 if low else recipe.degraded,
            taught(lessons or {}, [collection.items[row].image_id for row in rows]),
        )


class Draws:
    """Epochs of batches; an epoch's images and views depend on its seed alone."""

    def __init__(
        self, collections: Sequence[Collection], held_out: frozenset[str], recipe: Recipe, cache: Path | None = None
    ) -> None:
        self.recipe = recipe
        lessons = read_lessons(Path(recipe.teachers)) if recipe.teachers else {}
        self.pools = [Pool.of(each, held_out, recipe, cache, lessons) for each in collections]
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
        images, lesions, lessons = [], [], []
        for number, pool in enumerate(self.pools):
            places = drawn[owner == number] - (int(self._ends[number - 1]) if number else 0)
            stored = torch.from_numpy(pool.pixels[pool.rows[places.numpy()]]).permute(0, 3, 1, 2)
            low = torch.rand(len(places), generator=generator) < pool.degraded
            for chosen, squares in ((~low, stored[~low]), (low, at_low_resolution(stored[low]) if low.any() else None)):
                if squares is not None and len(squares):
                    images.append(views(squares, size, generator))
                    lesions.append(pool.lesion[places][chosen])
                    lessons.append(pool.taught[places][chosen])
        lesion = torch.cat(lesions)
        bcc = (lesion == DIAGNOSES.index(Diagnosis.BCC)).float()
        return Batch(torch.cat(images), bcc, lesion, torch.cat(lessons))

    def counts(self) -> Mapping[str, int]:
        """How many images of each type there are to draw from."""
        lesion = torch.cat([pool.lesion for pool in self.pools])
        return {name.value: int((lesion == index).sum()) for index, name in enumerate(DIAGNOSES)}
