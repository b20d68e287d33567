"""The collections of one training: which image is of which lesion, of which type, and in whose turn it is held out."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image
from tqdm import tqdm

from ml.data.ham10000 import Ham10000
from ml.data.isic2019 import Isic2019LowResolution
from ml.data.milk10k import Milk10k
from ml.data.records import DataError, DataSet, Record
from ml.data.task2 import Isic2018Task2
from ml.imaging.preprocessing import PreprocessingSpec, square
from ml.patterns import Lesion
from ml.tables import TableError, read_table

FOLDS: Final = 5
HAM, MILK, CLINICS = Ham10000.name, Milk10k.name, Isic2019LowResolution.name
# Where experts marked pigment network.
MARKED: Final = Isic2018Task2.name


@dataclass(frozen=True)
class Item:
    """One image. `group` names everything that shows the same lesion, also images of other collections."""

    collection: str
    image_id: str
    group: str
    diagnosis: Lesion
    record: Record


class Pictures(Protocol):
    def image(self, record: Record) -> Image.Image: ...


@dataclass(frozen=True)
class Collection:
    name: str
    data: Pictures
    items: tuple[Item, ...]

    def only(self, groups: frozenset[str]) -> "Collection":
        """The images of these lesions."""
        return replace(self, items=tuple(item for item in self.items if item.group in groups))

    def pixels(self, side: int, cache: Path | None = None) -> npt.NDArray[np.uint8]:
        """The analysed squares of all items, (N, side, side, 3); kept in `cache`. Raises `DataError`."""
        if cache is None:
            return self._read(side)
        names = "\n".join(item.image_id for item in self.items)
        digest = hashlib.sha256(names.encode()).hexdigest()[:12]
        file = cache / f"{self.name.replace(' ', '')}-{side}-{digest}.npy"
        if not file.exists():
            cache.mkdir(parents=True, exist_ok=True)
            temporary = file.with_suffix(f".{id(self)}.part.npy")
            np.save(temporary, self._read(side))
            temporary.replace(file)
        pixels: npt.NDArray[np.uint8] = np.load(file, mmap_mode="r")
        return pixels

    def _read(self, side: int) -> npt.NDArray[np.uint8]:
        spec = PreprocessingSpec(size=side)
        pixels = np.empty((len(self.items), side, side, 3), np.uint8)
        for index, item in enumerate(tqdm(self.items, desc=self.name, leave=False, mininterval=5)):
            pixels[index] = square(self.data.image(item.record), spec)
        return pixels


def read_collections(
    ham: Path, milk: Path, clinics: Path | None, pairs: Path | None = None, structures: Path | None = None
) -> list[Collection]:
    """HAM10000, MILK10k and, where given, ISIC 2019 at 84 pixels and ISIC 2018 Task 2; what `pairs` joins is one group.

    Images of ISIC 2019 that pair with one of the others are left out. Raises `DataError`.
    """
    sets: list[DataSet] = [Ham10000(ham), Milk10k(milk)]
    if clinics is not None:
        sets.append(Isic2019LowResolution(clinics))
    if structures is not None:
        sets.append(Isic2018Task2(structures))
    found = [Collection(data.name, data, tuple(_items(data))) for data in sets]
    return joined(found, read_pairs(pairs) if pairs else [])


def _items(data: DataSet) -> Iterable[Item]:
    for record in data.records:
        yield Item(data.name, record.image_id, record.group, record.lesion, record)


def read_pairs(file: Path) -> list[tuple[str, str]]:
    """Image ids of the same lesion, from the columns first and second of a CSV file. Raises `DataError`."""
    try:
        rows = read_table(file.read_bytes(), ("first", "second"))
        return [(row.fields["first"], row.fields["second"]) for row in rows]
    except (OSError, TableError) as error:
        raise DataError(f"{file} is no list of pairs with the columns first and second: {error}.") from error


def joined(collections: Sequence[Collection], pairs: Iterable[tuple[str, str]]) -> list[Collection]:
    """The collections with the groups of paired images made one; what joins ISIC 2019 to another is left out of it."""
    group = {item.image_id: item.group for each in collections for item in each.items}
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        while name in parent:
            name = parent[name]
        return name

    for first, second in pairs:
        one, other = sorted((root(group[first]), root(group[second])))
        if one != other:
            parent[other] = one
    members: dict[str, set[str]] = defaultdict(set)
    for each in collections:
        for item in each.items:
            members[root(item.group)].add(each.name)

    def kept(item: Item) -> bool:
        return item.collection != CLINICS or members[root(item.group)] == {CLINICS}

    return [
        replace(each, items=tuple(replace(item, group=root(item.group)) for item in each.items if kept(item)))
        for each in collections
    ]


def fold_of(items: Sequence[Item], seed: int, folds: int = FOLDS) -> dict[str, int]:
    """Group → the fold in which it is held out: each type of each collection dealt round in a seeded order."""
    kind: dict[str, str] = {}
    for item in sorted(items, key=lambda item: (item.collection, item.image_id)):
        kind.setdefault(item.group, f"{item.collection}/{item.diagnosis}")
    return deal(kind, seed, folds)


def deal(kind: Mapping[str, str], seed: int, folds: int = FOLDS) -> dict[str, int]:
    """Group → fold, the groups of each kind dealt round in a seeded order."""
    ordered = sorted(kind, key=lambda group: (kind[group], _order(group, seed)))
    return {group: index % folds for index, group in enumerate(ordered)}


def _order(group: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{group}".encode()).digest()
