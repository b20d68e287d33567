"""The data sets of a release, and which of their pictures a run learnt from and which it is judged on."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from PIL import Image

from ml.data.collections import MILK, Collection, deal, read_collections
from ml.data.milk10k import Milk10k
from ml.data.readings import Readings, read_readings
from ml.data.records import DataError
from ml.data.task2 import Isic2018Task2
from ml.evaluation import out_of_distribution
from ml.phantoms import generate
from ml.training.recipe.frozen import Picture
from ml.training.recipe.predictions import PREDICTIONS, STRUCTURES

EVERYTHING: Final = "everything"  # the run that held nothing out
CLOSE_UP, OTHER, PHANTOM = "close-up", "other", "phantom"
SEEDS: Final = 40  # drawn pictures of each kind of anything else
LEARNT_PHANTOMS: Final = range(7_000_000, 7_000_200)
JUDGED_PHANTOMS: Final = 20  # a fold
_SIZE: Final = (512, 384)  # drawn in a fifth of the time that the demonstration's size takes
# Photographs of a camera that the gate learns from beside all of MILK10k's.
_CAMERA: Final = 1500


@dataclass(frozen=True)
class HeldOut:
    """What a run never saw: the names of images, and its number among the folds; `EVERYTHING` held nothing out."""

    images: frozenset[str]
    fold: int | None

    @classmethod
    def of(cls, folder: Path) -> Self:
        """By what a fold has predicted. Raises `DataError`."""
        if folder.name == EVERYTHING:
            return cls(frozenset(), None)
        names: list[str] = []
        for file in (folder / PREDICTIONS, folder / STRUCTURES):
            try:
                with np.load(file) as found:
                    names += found["image_id"].tolist()
            except (OSError, KeyError, ValueError) as error:
                raise DataError(f"{file} holds no predictions of a fold: {error}") from error
        return cls(frozenset(names), int(folder.name.removeprefix("fold-")))


@dataclass(frozen=True)
class Sources:
    """HAM10000, MILK10k and ISIC 2018 Task 2, and the readings of some images of the first two."""

    collections: tuple[Collection, ...]
    milk: Milk10k
    structures: Isic2018Task2
    readings: Readings

    @classmethod
    def read(cls, ham: Path, milk: Path, readings: Path, structures: Path, pairs: Path | None = None) -> Self:
        """`pairs`: images of the same lesion, as the folds were told. Raises `DataError`."""
        collections = tuple(read_collections(ham, milk, None, pairs, structures))
        return cls(collections, Milk10k(milk), Isic2018Task2(structures), read_readings(readings))

    def for_the_gate(self, held: HeldOut) -> list[Picture]:
        """Dermoscopic images, close-ups and pictures of anything else, none of them this fold's; and phantoms."""
        dermoscopic = [one for one in self._dermoscopic() if one.name not in held.images]
        milk = [one for one in dermoscopic if one.source == MILK]
        camera = [one for one in dermoscopic if one.source != MILK]
        chosen = camera[:: -(-len(camera) // _CAMERA) or 1]
        close_ups = [one for image, one in self._close_ups() if image not in held.images]
        others = [one for one in _others() if _dealt()[one.group] != held.fold]
        return [*chosen, *milk, *_phantoms(LEARNT_PHANTOMS), *close_ups, *others]

    def judged(self, held: HeldOut) -> list[Picture]:
        """What this fold held out, of every kind, and phantoms that no fold learns from."""
        dermoscopic = [one for one in self._dermoscopic() if one.name in held.images]
        close_ups = [one for image, one in self._close_ups() if image in held.images]
        others = [one for one in _others() if _dealt()[one.group] == held.fold]
        first = (held.fold or 0) * JUDGED_PHANTOMS
        return [*dermoscopic, *close_ups, *others, *_phantoms(range(first, first + JUDGED_PHANTOMS))]

    def _dermoscopic(self) -> list[Picture]:
        return [
            Picture(each.name, item.image_id, item.group, item.diagnosis.value, partial(each.data.image, item.record))
            for each in self.collections
            for item in each.items
        ]

    def _close_ups(self) -> Iterator[tuple[str, Picture]]:
        """With the dermoscopic image of the same lesion."""
        for record in self.milk.records:
            if self.milk.has_close_up(record):
                name = f"{CLOSE_UP} of {record.image_id}"
                yield record.image_id, Picture(CLOSE_UP, name, record.group, "", partial(self.milk.close_up, record))


@cache
def _others() -> tuple[Picture, ...]:
    """Pictures of anything else, grouped by their kind, so that no kind is in two folds."""
    drawn = enumerate(out_of_distribution.images(seeds=SEEDS))
    return tuple(Picture(OTHER, f"{kind} {number}", kind, "", partial(_same, image)) for number, (kind, image) in drawn)


@cache
def _dealt() -> dict[str, int]:
    return deal(dict.fromkeys((one.group for one in _others()), OTHER), seed=1)


def _phantoms(seeds: range) -> Iterator[Picture]:
    """As the demonstration draws them, but smaller."""
    for seed in seeds:
        yield Picture(PHANTOM, str(seed), str(seed), "", partial(_phantom, seed))


def _phantom(seed: int) -> Image.Image:
    return generate(seed, size=_SIZE).image


def _same(picture: Any) -> Any:
    return picture
