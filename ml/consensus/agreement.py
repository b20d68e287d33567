"""Agreement beyond chance: Cohen's kappa of two raters, Fleiss' kappa of many.

Both are NaN if undefined: nothing rated by both, or only one class ever given (chance agreement is 1).
Sources: J. Cohen, Educ. Psychol. Meas. 20 (1960) 37–46; J. L. Fleiss, Psychol. Bull. 76 (1971) 378–382.
"""

import numpy as np
import numpy.typing as npt

from ml.consensus.em import Floats, Integers


def cohen_kappa(first: Integers, second: Integers, classes: int) -> float:
    """Cohen's kappa, -1..1, of two raters' classes (n,) over the items both rated; a class of -1 is missing."""
    return float(cohen_kappas(np.column_stack([first, second]), classes)[0, 1])


def cohen_kappas(ratings: Integers, classes: int) -> Floats:
    """Cohen's kappa of every pair of raters: (R, R) from ratings (n, R), symmetric, NaN on the diagonal."""
    ratings = np.asarray(ratings)
    given = [(ratings == kind).astype(np.float64) for kind in range(classes)]
    rated = sum(given[1:], given[0])
    both = rated.T @ rated
    share = 1 / np.where(both > 0, both, np.nan)
    observed = sum((each.T @ each) * share for each in given)
    # How often the row's rater gave a class among the items that the column's rater rated, too.
    mine = [(each.T @ rated) * share for each in given]
    chance = sum(each * each.T for each in mine)
    kappas = np.where(
        np.isclose(chance, 1), np.nan, (observed - chance) / np.where(np.isclose(chance, 1), 1, 1 - chance)
    )
    np.fill_diagonal(kappas, np.nan)
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
