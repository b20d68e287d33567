"""Everything measured about a recipe and its bundle, as one JSON document: for the page, the card and the terminal."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import numpy as np

from ml.evaluation.criteria import judge
from ml.evaluation.diagnosis import sizes
from ml.report.evidence import Evidence
from ml.report.measured import diagnosis, gate, lesion_types, subgroups
from ml.report.measured_maps import maps
from ml.report.measured_patterns import patterns, table_3

Part = dict[str, Any]
SECTIONS: Final[Mapping[str, Callable[[Evidence], Part]]] = {
    "diagnosis": diagnosis,
    "table-3": table_3,
    "patterns": patterns,
    "maps": maps,
    "gate": gate,
    "lesion-types": lesion_types,
    "subgroups": subgroups,
}


_DIGITS: Final = 6


def document(known: Evidence, sections: Iterable[str] | None = None) -> Part:
    """The figures of these `SECTIONS`, by default all, and the criteria judged by them.

    Ready for JSON: numbers to six significant digits, None for what is undefined.
    """
    found: Part = {
        "bundle": known.card.reference if known.card else None,
        "notice": known.card.notice if known.card else "",
        "folds": len(np.unique(known.judged.fold)),
        "views": known.views,
        "point": known.point,
        "collections": sizes(known.judged),
        "backbones": [dict(row) for row in known.backbones],
    }
    for name in sections or SECTIONS:
        found |= SECTIONS[name](known)
    return dict(rounded({**found, "criteria": judge(found)}))


def rounded(value: Any) -> Any:
    if isinstance(value, float):
        return None if value != value else float(f"{value:.{_DIGITS}g}")
    if isinstance(value, Mapping):
        return {str(key): rounded(one) for key, one in value.items()}
    return [rounded(one) for one in value] if isinstance(value, list | tuple) else value
