"""Splits by lesion, never by image, reproducible from a seed."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

from ml.data.records import Record

FOLDS: Final = 20


class Split(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


# In twentieths of the lesions: 20 % test, 15 % validation. Five-fold cross-validation tests four of them at a time.
_HELD_OUT: Final = {Split.TEST: range(0, 4), Split.VALIDATION: range(4, 7)}


def assign_folds(records: Iterable[Record], seed: int, folds: int = FOLDS) -> dict[str, int]:
    """Deal the lesions of each type to the folds in turn, in a seeded order: group → fold.

    The order is a hash of seed and lesion, so it depends neither on the file nor on a library's random generator.
    """
    groups = {record.group: record.lesion or "" for record in records}
    strata: dict[str, list[str]] = defaultdict(list)
    for group, lesion in groups.items():
        strata[lesion].append(group)
    dealt = [group for lesion in sorted(strata) for group in sorted(strata[lesion], key=lambda g: _order(g, seed))]
    return {group: index % folds for index, group in enumerate(dealt)}


def _order(group: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}:{group}".encode()).digest()


def split_of(twentieth: int) -> Split:
    return next((split for split, held_out in _HELD_OUT.items() if twentieth in held_out), Split.TRAIN)


def split_by_lesion(records: Sequence[Record], seed: int, fold: int = 0) -> dict[Split, list[Record]]:
    """The records of each split; no lesion is in two of them. `fold`, 0 to 4, chooses which fifth is the test split."""
    twentieths = assign_folds(records, seed)
    parts: dict[Split, list[Record]] = {split: [] for split in Split}
    for record in records:
        parts[split_of((twentieths[record.group] - 4 * fold) % FOLDS)].append(record)
    return parts
