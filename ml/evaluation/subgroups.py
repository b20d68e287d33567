"""BCC by skin tone class, age band, sex and site, collection by collection: whom does the model serve less well?"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from ml.data.records import Record
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.metrics import Floats
from ml.evaluation.out_of_fold import Finding

FEWEST_BCC: Final = 10  # images; a subgroup with fewer is counted but gets no figures
UNKNOWN: Final = "unknown"
EVERYBODY: Final = "everybody"
_AGES: Final = ((0, 40, "under 40"), (40, 60, "40 to 59"), (60, 80, "60 to 79"), (80, 200, "80 and older"))
_TONES: Final = ("0 very dark", "1", "2", "3", "4", "5 very light")


def age_band(age: float | None) -> str:
    return UNKNOWN if age is None else next(name for low, high, name in _AGES if low <= age < high)


def tone_class(tone: int | None) -> str:
    """The class that MILK10k publishes, 0 to 5, in words."""
    return UNKNOWN if tone is None else _TONES[tone]


def subgroups(
    found: Finding,
    records: Sequence[Record],
    tones: Mapping[str, int],
    above: Floats | None,
    resamples: int | None = None,
) -> list[dict[str, Any]]:
    """A row for each collection, way and group: images, lesions, BCC images, and `figures` or None below `FEWEST_BCC`.

    `records` (N), one for each image of the finding; `tones` by image id, of those that have one. `above` (N,): by how
    much an image's probability exceeds the point in force; without it there is only the AUC.
    """
    order = [*(name for *_, name in _AGES), *_TONES, EVERYBODY]
    rows = []
    for collection, here in found.by_collection().items():
        for way, names in _ways(records, tones).items():
            groups = np.array(names)
            for name in _in_order(groups[here].tolist(), order):
                chosen = here & (groups == name)
                if way == "skin tone class" and name == UNKNOWN and not any(group != UNKNOWN for group in groups[here]):
                    continue  # a collection that publishes none
                figures = _figures(found.of(chosen), None if above is None else above[chosen], resamples)
                rows.append({"collection": collection, "way": way, "group": name, **figures})
    return rows


def _ways(records: Sequence[Record], tones: Mapping[str, int]) -> dict[str, list[str]]:
    return {
        "all": [EVERYBODY for _ in records],
        "skin tone class": [tone_class(tones.get(record.image_id)) for record in records],
        "age": [age_band(record.age) for record in records],
        "sex": [record.sex or UNKNOWN for record in records],
        "site": [record.site or UNKNOWN for record in records],
    }


def _in_order(names: Sequence[str], order: Sequence[str]) -> list[str]:
    """The names that occur: first in the given order, then alphabetically, "unknown" last."""
    return sorted(set(names), key=lambda name: (name == UNKNOWN, order.index(name) if name in order else 99, name))


def _figures(found: Finding, above: Floats | None, resamples: int | None) -> dict[str, Any]:
    labels = found.present
    counts = {"images": len(labels), "lesions": len(np.unique(found.group)), "bcc_images": int(labels.sum())}
    if counts["bcc_images"] < FEWEST_BCC:
        return {**counts, "figures": None}
    bootstrap = Bootstrap(found.group, resamples)
    figures = {"auc": bootstrap.interval(metrics.roc_auc, found.scores, labels)}
    if above is not None:
        called = above >= 0
        figures["sensitivity"] = bootstrap.interval(metrics.share, called, labels)
        figures["specificity"] = bootstrap.interval(metrics.share, ~called, ~labels)
    return {**counts, "figures": figures}
