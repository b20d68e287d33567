"""Lesion types, collection by collection: each type's precision, recall and F1 with its support, and who is taken for
whom. Accuracy and macro-F1 are in `ml.evaluation.out_of_fold.figures`."""

from typing import Any

import numpy as np

from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.out_of_fold import OutOfFold
from ml.patterns import LESIONS


def lesion_types(found: OutOfFold, resamples: int | None = None) -> dict[str, dict[str, Any]]:
    """Collection → `types` (code → images, lesions, recall, precision, f1) and `confusion`: rows[i][j] counts images of
    type names[i] that were taken for names[j]."""
    return {str(name): _one(found.of(found.collection == name), resamples) for name in np.unique(found.collection)}


def _one(found: OutOfFold, resamples: int | None) -> dict[str, Any]:
    bootstrap, guesses = Bootstrap(found.group, resamples), found.lesion.argmax(axis=1)
    counts = np.zeros((len(LESIONS), len(LESIONS)), np.int64)
    np.add.at(counts, (found.truth, guesses), 1)
    types = {}
    for index in np.unique(found.truth).tolist():
        called, present = guesses == index, found.truth == index
        types[LESIONS[index].value] = {
            "images": int(present.sum()),
            "lesions": len(np.unique(found.group[present])),
            "recall": bootstrap.interval(metrics.share, called, present),
            "precision": bootstrap.interval(metrics.share, present, called),
            "f1": bootstrap.interval(metrics.f1, called, present),
        }
    return {"types": types, "confusion": {"names": [kind.value for kind in LESIONS], "rows": counts.tolist()}}
