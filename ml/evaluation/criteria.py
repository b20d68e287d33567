"""The criteria that the model is meant to meet, each with what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ml.card import BCC
from ml.data.collections import HAM, MILK
from ml.patterns import BCC_PATTERNS, Pattern


@dataclass(frozen=True)
class Criterion:
    """`path` leads to a {value, low, high} in the report.

    The value must be at least `bar`, or at most `bar` where `at_least` is false.
    """

    name: str
    path: tuple[str, ...]
    bar: float
    at_least: bool = True

    def judge(self, document: Mapping[str, Any]) -> dict[str, Any]:
        """The criterion ready for JSON. `met` is None where the figure was not measured."""
        figure: Any = document
        for key in self.path:
            figure = (figure or {}).get(key)
        found = figure or {}
        value = found.get("value")
        met = None if value is None else value >= self.bar if self.at_least else value <= self.bar
        interval = {key: found.get(key) for key in ("value", "low", "high")}
        return {"name": self.name, **interval, "bar": self.bar, "at_least": self.at_least, "met": met}


_WITHIN_BCC: Final = {
    Pattern.U: 0.90,
    Pattern.ON: 0.94,
    Pattern.MG: 0.87,
    Pattern.ML: 0.93,
    Pattern.SW: 0.83,
    Pattern.AT: 0.91,
}
_MISSED: Final = "strongest cell that no reader marked, where readers agree"


def _diagnosis(collection: str, figure: str, bar: float) -> Criterion:
    return Criterion(f"{collection}, {figure}", ("diagnosis", collection, figure), bar)


def _shipped(collection: str) -> Criterion:
    path = ("shipped", BCC, collection, "sensitivity")
    return Criterion(f"{collection}, BCC: sensitivity at the shipped point", path, 0.95)


def _ratio(code: str, bar: float) -> Criterion:
    return Criterion(
        f"Map of {code}: mean inside over outside the readers' cells", ("maps", "readers", code, "ratio"), bar
    )


def _missed(code: str) -> Criterion:
    return Criterion(f"Map of {code}: {_MISSED}", ("maps", "readers", code, "missed"), 0.25, at_least=False)


CRITERIA: Final = (
    _diagnosis(HAM, "BCC: AUC", 0.99),
    _diagnosis(HAM, "BCC: specificity at sensitivity 0.95", 0.95),
    _diagnosis(MILK, "BCC: AUC", 0.96),
    _diagnosis(MILK, "BCC against SCC: AUC", 0.95),
    _diagnosis(MILK, "BCC: specificity at sensitivity 0.95", 0.83),
    _shipped(HAM),
    _shipped(MILK),
    *(
        Criterion(f"Within BCC, {p.label.lower()}: AUC against the merged readings", ("patterns", "six", p, "auc"), bar)
        for p, bar in _WITHIN_BCC.items()
    ),
    Criterion("Within BCC: mean correlation of the six", ("patterns", "mean_correlation"), 0.40, at_least=False),
    Criterion("BCC with a pattern read: one of those read is called", ("patterns", "any_of_six", "right"), 0.92),
    Criterion("Naevi: any of the six is called", ("patterns", "any_of_six", "naevi"), 0.12, at_least=False),
    Criterion("Pigment network: AUC on experts' labels", ("pigment_network", "auc"), 0.83),
    Criterion("Close-ups sent to a person", ("gate", "sources", "close-up", "sent"), 0.95),
    *(
        Criterion(
            f"{name}: dermoscopic images sent to a person", ("gate", "sources", name, "sent"), 0.02, at_least=False
        )
        for name in (HAM, MILK)
    ),
    _ratio(BCC, 2.5),
    *(_ratio(pattern, 2.0) for pattern in BCC_PATTERNS),
    Criterion(
        "Map of PN: mean inside over outside the experts' masks", ("table_4", "PN, experts' masks", "ratio"), 2.0
    ),
    _missed(BCC),
    *(_missed(pattern) for pattern in BCC_PATTERNS),
    _diagnosis(HAM, "lesion type: accuracy", 0.88),
    _diagnosis(HAM, "lesion type: macro-F1", 0.80),
)


def judge(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [criterion.judge(document) for criterion in CRITERIA]


def words(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """A judged criterion in words: value, interval, bar, outcome."""
    value = "n/a" if row["value"] is None else f"{row['value']:.3f}"
    interval = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
    outcome = {None: "not measured", True: "holds", False: "missed"}[row["met"]]
    return value, interval, f"{'≥' if row['at_least'] else '≤'} {row['bar']:g}", outcome
