"""Everything that an evaluation is measured on, read once."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ml.card import Card, calibrated
from ml.data.collections import Item
from ml.data.records import Record
from ml.data.task2 import Isic2018Task2
from ml.evaluation.metrics import Floats
from ml.evaluation.out_of_fold import Finding, OutOfFold
from ml.evaluation.outputs import Outputs
from ml.evaluation.pattern_scores import FoldScores
from ml.evaluation.read_images import ReadImages
from ml.evaluation.table_3_out_of_fold import TooFewLesions, margins
from ml.patterns import MALIGNANT, Lesion
from ml.training.calibration import fit_binary

SHIPPED: Final = "the bundle's, on out-of-fold scores"
OF_THE_OTHERS: Final = "each fold at the point that the others give"


@dataclass(frozen=True)
class Evidence:
    """`found`: out-of-fold predictions by number of views; what is judged is `views` of them. `meant`: calibrated
    probabilities of the same images by malignant type. A part is None, or empty, where its files are missing.

    `items` and `tones` (skin tone classes) by image id; `lesion_mask` of a HAM10000 image, (H, W).
    """

    found: Mapping[int, OutOfFold]
    views: int
    meant: Mapping[int, Mapping[Lesion, Floats]]
    items: Mapping[str, Item]
    tones: Mapping[str, int]
    lesion_mask: Callable[[Record], npt.NDArray[np.bool_]]
    card: Card | None = None
    patterns: ReadImages | None = None
    kappa: tuple[float, ...] = ()
    structures: Isic2018Task2 | None = None
    structure_scores: FoldScores | None = None
    outputs: Outputs | None = None
    backbones: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def judged(self) -> OutOfFold:
        return self.found[self.views]

    @property
    def point(self) -> str | None:
        """Which point BCC is called from, in words."""
        return SHIPPED if self.card else OF_THE_OTHERS if self.above is not None else None

    @property
    def above(self) -> Floats | None:
        """(N,) by how much BCC exceeds the point in force; None where there is none."""
        finding = self.judged.finding(Lesion.BCC)
        if self.card:
            return self.card.bcc.probability(finding.scores) - self.card.bcc.threshold
        try:
            return margins(finding)
        except TooFewLesions:
            return None


def probabilities(finding: Finding) -> Floats:
    """(N,) calibrated on the other folds. The finding must be present and absent in every choice of all but one."""
    result = np.empty(len(finding.scores))
    for number in np.unique(finding.fold):
        here = finding.fold == number
        temperature, offset = fit_binary(finding.scores[~here], finding.present[~here])
        result[here] = calibrated(finding.scores[here], temperature, offset)
    return result


def of_malignant(found: OutOfFold) -> dict[Lesion, Floats]:
    """`probabilities` of every malignant type that at least two folds have."""
    findings = {kind: found.finding(kind) for kind in MALIGNANT}
    return {
        kind: probabilities(finding)
        for kind, finding in findings.items()
        if len(set(finding.fold[finding.present].tolist())) > 1
    }
