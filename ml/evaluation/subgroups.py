"""BCC figures by sex, age band, body site and estimated skin tone: whom does the model serve less well?"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from tqdm import tqdm

from ml.card import Card
from ml.data.ham10000 import Ham10000
from ml.data.records import Record
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.metrics import Flags, Floats
from ml.evaluation.predictions import Predictions
from ml.evaluation.skin_tone import SkinTone, band, typology_angle

FEWEST_BCC: Final = 10  # images; a subgroup with fewer is counted but gets no figures
UNKNOWN: Final = "unknown"
_AGES: Final = ((0, 40, "under 40"), (40, 60, "40 to 59"), (60, 80, "60 to 79"), (80, 200, "80 and older"))


def skin_tones(data: Ham10000, records: Sequence[Record]) -> list[str]:
    """The tone of the skin in each image, or "unknown" where too little skin shows."""
    angles = (
        typology_angle(data.image(record), data.mask(record))
        for record in tqdm(records, desc="skin tones", leave=False, mininterval=2)
    )
    return [UNKNOWN if angle is None else band(angle).value for angle in angles]


def age_band(record: Record) -> str:
    if record.age is None:
        return UNKNOWN
    return next(name for low, high, name in _AGES if low <= record.age < high)


def subgroups(
    known: Predictions, card: Card, tones: Sequence[str], resamples: int | None = None
) -> dict[str, list[dict[str, Any]]]:
    """For each grouping, its subgroups with the figures of BCC; `figures` is None below `FEWEST_BCC`.

    `tones`: the skin tone of each image, see `skin_tones`.
    """
    ages = [name for *_, name in _AGES]
    ways: dict[str, tuple[list[str], list[str]]] = {
        "sex": ([record.sex or UNKNOWN for record in known.records], ["female", "male"]),
        "age": ([age_band(record) for record in known.records], ages),
        "site": ([record.site or UNKNOWN for record in known.records], []),
        "skin tone": (list(tones), [tone.value for tone in SkinTone]),
    }
    scores = card.bcc.probability(known.bcc_logits)
    return {
        way: [
            {"group": name, **_figures(known, scores, card.bcc.threshold, np.array(names) == name, resamples)}
            for name in _in_order(names, order)
        ]
        for way, (names, order) in ways.items()
    }


def _in_order(names: Sequence[str], order: Sequence[str]) -> list[str]:
    """The names that occur: first in the given order, then alphabetically, "unknown" last."""
    return sorted(set(names), key=lambda name: (name == UNKNOWN, order.index(name) if name in order else 99, name))


def _figures(
    known: Predictions, scores: Floats, threshold: float, rows: Flags, resamples: int | None
) -> dict[str, Any]:
    labels, chosen = known.bcc[rows], scores[rows]
    lesions = [group for group, row in zip(known.groups, rows, strict=True) if row]
    counts = {"images": len(labels), "lesions": len(set(lesions)), "bcc_images": int(labels.sum())}
    if counts["bcc_images"] < FEWEST_BCC:
        return {**counts, "figures": None}
    bootstrap, called = Bootstrap(lesions, resamples), chosen >= threshold
    figures = {
        "auc": bootstrap.interval(metrics.roc_auc, chosen, labels),
        "recall": bootstrap.interval(metrics.share, called, labels),
        "specificity": bootstrap.interval(metrics.share, ~called, ~labels),
    }
    return {**counts, "figures": figures}
