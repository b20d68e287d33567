"""Held-out images of which a network saw the same lesion under another name."""

from pathlib import Path

from ml.data.collections import read_pairs
from ml.evaluation.out_of_fold import OutOfFold


def leaking(found: OutOfFold, pairs: Path | None) -> frozenset[str]:
    """Both images of every pair that was held out in different folds. Raises `DataError`."""
    fold = dict(zip(found.image_id.tolist(), found.fold.tolist(), strict=True))
    known = read_pairs(pairs) if pairs else []
    return frozenset(
        image for pair in known if all(one in fold for one in pair) and fold[pair[0]] != fold[pair[1]] for image in pair
    )
