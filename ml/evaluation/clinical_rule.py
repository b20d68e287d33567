"""The paper's clinical rule (`ml.patterns.clinical_rule`) and its coding on real images, where the truth is known."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ml.card import Card
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.metrics import Flags, Floats
from ml.evaluation.predictions import Predictions, present
from ml.patterns import Pattern, clinical_rule

# What an image shows, in the paper's coding. As in the rule, pigment network takes precedence.
CODING: Final = ("no pattern", "pigment network", "any BCC pattern")


def by_the_rule(known: Predictions, card: Card, resamples: int | None = None) -> dict[str, Any]:
    """On images with a known diagnosis: how often one of the six or PN is found, and how often the rule is right."""
    found, bcc, bootstrap = present(card, known.pattern_logits), known.bcc, Bootstrap(known.groups, resamples)
    verdicts = [clinical_rule(dict(zip(card.patterns, row, strict=True))).bcc for row in found.tolist()]
    flags: dict[str, Flags] = {
        "any_of_six": _any_of_six(card, found),
        "network": found[:, card.patterns.index(Pattern.PN)],
        "rule_right": np.array(verdicts, np.bool_) == bcc,
    }
    return {
        **{
            f"{name}_in_{group}": bootstrap.interval(metrics.share, flag, among)
            for name, flag in flags.items()
            for group, among in (("bcc", bcc), ("non_bcc", ~bcc))
        },
        "found_in_bcc": {p.value: float(found[bcc, k].mean()) for k, p in enumerate(card.patterns)},
        "found_in_non_bcc": {p.value: float(found[~bcc, k].mean()) for k, p in enumerate(card.patterns)},
    }


def coding(
    known: Predictions, marked: Predictions, network: Flags, card: Card, resamples: int | None = None
) -> dict[str, Any]:
    """How often the predicted code is right, and the confusion matrix over `CODING`.

    The truth is known of two kinds of image only: by the rule a BCC shows a BCC pattern, and in ISIC 2018 Task 2, which
    has no BCC, experts marked pigment network. Other images without BCC may or may not show a network: not counted.
    """
    truth = np.concatenate([np.full(int(known.bcc.sum()), 2), network.astype(int)])
    codes = np.concatenate([_coded(card, known.pattern_logits[known.bcc]), _coded(card, marked.pattern_logits)])
    lesions = [group for group, bcc in zip(known.groups, known.bcc, strict=True) if bcc]
    bootstrap = Bootstrap([*lesions, *marked.groups], resamples)
    return {
        "correct": {name: bootstrap.interval(metrics.share, codes == k, truth == k) for k, name in enumerate(CODING)},
        "confusion": {
            "names": list(CODING),
            "rows": [[int(((truth == i) & (codes == j)).sum()) for j in range(3)] for i in range(3)],
        },
    }


def _any_of_six(card: Card, found: Flags) -> Flags:
    six: Flags = np.any(found[:, [k for k, p in enumerate(card.patterns) if not p.is_negative_criterion]], axis=1)
    return six


def _coded(card: Card, logits: Floats) -> npt.NDArray[np.integer]:
    """Index into `CODING` of each of N images."""
    found = present(card, logits)
    return np.where(found[:, card.patterns.index(Pattern.PN)], 1, np.where(_any_of_six(card, found), 2, 0))
