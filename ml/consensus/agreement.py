"""Agreement beyond chance: Cohen's kappa of two raters, Fleiss' kappa of many.

Both are NaN if undefined: nothing rated by both, or only one class ever given (chance agreement is 1).
Sources: J. Cohen, Educ. Psychol. Meas. 20 (1960) 37–46; J. L. Fleiss, Psychol. Bull. 76 (1971) 378–382.
"""

import numpy as np
import numpy.typing as npt

from ml.consensus.em import Floats, Integers


def cohen_kappa(first: Integers, second: Integers, classes: int) -> float:
    """Cohen's kappa, -1..1, of two raters' classes (n,) over the items both rated; a class of -1 is missing."""
    first, second = np.asarray(first), np.asarray(second)
    both = (first >= 0) & (second >= 0)
    if not both.any():
        return float("nan")
    joint = np.bincount(first[both] * classes + second[both], minlength=classes**2).reshape(classes, classes)
    share = joint / joint.sum()
    return _beyond_chance(float(np.trace(share)), float(share.sum(axis=1) @ share.sum(axis=0)))


def cohen_kappas(ratings: Integers, classes: int) -> Floats:
    """Cohen's kappa of every pair of raters: (R, R) from ratings (n, R), symmetric, NaN on the diagonal."""
    raters = np.asarray(ratings).shape[1]
    kappas = np.full((raters, raters), np.nan)
    for first in range(raters):
        for second in range(first):
            kappas[first, second] = kappas[second, first] = cohen_kappa(ratings[:, first], ratings[:, second], classes)
    return kappas


def fleiss_kappa(counts: npt.ArrayLike) -> float:
    """Fleiss' kappa, at most 1, from how often each item was given each class (n, K).

    Items with fewer than two ratings are left out. The number of ratings may differ between items; each item has the
    same weight in the observed agreement.
    """
    table = np.asarray(counts, dtype=np.float64)
    table = table[table.sum(axis=1) >= 2]
    if not table.size:
        return float("nan")
    ratings = table.sum(axis=1)
    observed = (table * (table - 1)).sum(axis=1) / (ratings * (ratings - 1))
    share = table.sum(axis=0) / table.sum()
    return _beyond_chance(float(observed.mean()), float(share @ share))


def _beyond_chance(observed: float, chance: float) -> float:
    return float("nan") if np.isclose(chance, 1) else (observed - chance) / (1 - chance)
