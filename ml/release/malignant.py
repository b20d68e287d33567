"""A calibrated probability for each malignant type, out of fold: each fold by what the others fit.

A probability means what it says only where the type is as frequent as among the images it was fitted on. Where a centre
knows its own frequency, `with_prior` moves the probability there.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from scipy.special import expit, logit

from ml.card import calibrated
from ml.data.diagnoses import MALIGNANT, Diagnosis
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap, Estimate
from ml.evaluation.metrics import Floats
from ml.evaluation.out_of_fold import Finding, OutOfFold
from ml.training.calibration import fit_binary

_CERTAIN: Final = 1e-6


def probabilities(found: Finding) -> Floats:
    """(N,) in 0–1. The finding must be present and absent in every choice of all folds but one."""
    result = np.empty(len(found.scores))
    for number in np.unique(found.fold):
        here = found.fold == number
        temperature, offset = fit_binary(found.scores[~here], found.present[~here])
        result[here] = calibrated(found.scores[here], temperature, offset)
    return result


def with_prior(probability: Floats, fitted: float, wanted: float) -> Floats:
    """Probabilities fitted where a share `fitted` has the finding, for a place where `wanted` has it (Bayes' rule).

    Raises ValueError for a share that is not between 0 and 1.
    """
    if not (0 < fitted < 1 and 0 < wanted < 1):
        raise ValueError(f"A share lies between 0 and 1, unlike {fitted} or {wanted}.")
    moved: Floats = expit(logit(np.clip(probability, _CERTAIN, 1 - _CERTAIN)) + logit(wanted) - logit(fitted))
    return moved


def calibration(found: OutOfFold, resamples: int | None = None) -> Mapping[Diagnosis, Mapping[str, Estimate]]:
    """For each malignant type and collection the expected calibration error, with 95 % intervals over lesions.

    Fitted on all collections together: a collection where the type is rarer shows what that costs.
    """
    table: dict[Diagnosis, Mapping[str, Estimate]] = {}
    for kind in MALIGNANT:
        finding = found.finding(kind)
        if len(set(finding.fold[finding.present].tolist())) < 2:
            continue  # some fold has no others with the finding to be fitted on
        meant = probabilities(finding)
        table[kind] = {
            name: Bootstrap(finding.group[rows], resamples).interval(
                metrics.calibration_error, meant[rows], finding.present[rows]
            )
            for name, rows in finding.by_collection().items()
        }
    return table
