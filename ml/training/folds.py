"""Folds for items with several labels: every label's share alike in each, and no group in two of them.

Iterative stratification: Sechidis, Tsoumakas, Vlahavas, On the Stratification of Multi-Label Data, ECML PKDD 2011,
algorithm 1, over groups (all images of a lesion, or of a patient) instead of items.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def deal(labels: npt.ArrayLike, groups: Sequence[str], folds: int, seed: int) -> npt.NDArray[np.int64]:
    """The fold, 0 to `folds` - 1, of each item.

    `labels` (n, L) is true where item i has label l; `groups` names each item's group. A group has a label where one of
    its items has it. The answer depends on labels, groups and seed alone, not on the order of the items.
    Raises ValueError for labels of another shape than one row an item, or fewer than one fold.
    """
    table = np.asarray(labels, dtype=np.bool_)
    if table.ndim != 2 or len(table) != len(groups) or folds < 1:
        raise ValueError(
            f"Labels have one row for each of {len(groups)} items, not {table.shape}; folds are 1 or more."
        )
    # A seeded order of the groups' names, in which every tie is decided.
    names = sorted(set(groups), key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest())
    place = {name: index for index, name in enumerate(names)}
    of_item = np.array([place[name] for name in groups], dtype=np.int64)
    has = np.zeros((len(names), table.shape[1]), np.bool_)
    np.logical_or.at(has, of_item, table)
    return _deal(has, folds)[of_item]


def _deal(has: npt.NDArray[np.bool_], folds: int) -> npt.NDArray[np.int64]:
    """The fold of each group (G, L): the rarest label first, each time to the fold that lacks it most."""
    fold = np.full(len(has), -1)
    lacking = np.repeat(has.sum(axis=0)[None] / folds, folds, axis=0)
    room = np.full(folds, len(has) / folds)
    while (fold < 0).any():
        left = has[fold < 0].sum(axis=0)
        # The groups without a label come last and even out the sizes.
        label = min(np.flatnonzero(left), key=left.__getitem__) if left.any() else None
        wanted = room if label is None else lacking[:, label]
        for group in np.flatnonzero((fold < 0) & (True if label is None else has[:, label])):
            fold[group] = target = max(range(folds), key=lambda index: (wanted[index], room[index]))
            lacking[target] -= has[group]
            room[target] -= 1
    return fold
