"""The criteria a bundle is meant to meet, each with what was measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ml.evaluation.table_4 import EXPERTS, PHANTOMS, row_name
from ml.patterns import Pattern


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
            figure = figure.get(key, {})
        value = figure.get("value")
        met = None if value is None else value >= self.bar if self.at_least else value <= self.bar
        interval = {key: figure.get(key) for key in ("value", "low", "high")}
        return {"name": self.name, **interval, "bar": self.bar, "at_least": self.at_least, "met": met}


def _heatmap(pattern: Pattern, masks: str) -> Criterion:
    name = f"Heatmap of {pattern.label.lower()}, {masks}: mean inside over mean outside"
    return Criterion(name, ("alignment", row_name(pattern, masks), "ratio"), 2.0)


CRITERIA: Final = (
    Criterion("BCC: area under the ROC curve", ("auc",), 0.98),
    Criterion("BCC: average precision", ("average_precision",), 0.85),
    Criterion("BCC: specificity where the ROC curve reaches sensitivity 0.95", ("specificity_at",), 0.90),
    Criterion("BCC: specificity at the shipped threshold, chosen on validation", ("specificity",), 0.90),
    Criterion("BCC: sensitivity at that threshold", ("recall",), 0.95),
    Criterion("BCC: expected calibration error", ("ece",), 0.03, at_least=False),
    Criterion("Pigment network, experts' labels: area under the ROC curve", ("pigment_network", "auc"), 0.85),
    Criterion("Unseen phantoms: mean area under the ROC curve", ("phantoms", "macro_auc"), 0.97),
    Criterion("One of the six patterns found in real BCC", ("rule", "any_of_six_in_bcc"), 0.90),
    Criterion("One of the six found in real non-BCC", ("rule", "any_of_six_in_non_bcc"), 0.15, at_least=False),
    _heatmap(Pattern.PN, EXPERTS),
    *(_heatmap(pattern, PHANTOMS) for pattern in Pattern),
)


def judge(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [criterion.judge(document) for criterion in CRITERIA]


def words(row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """A judged criterion in words: value, interval, bar, outcome."""
    value = "n/a" if row["value"] is None else f"{row['value']:.3f}"
    interval = "" if row["low"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
    outcome = {None: "not measured", True: "passed", False: "missed"}[row["met"]]
    return value, interval, f"{'≥' if row['at_least'] else '≤'} {row['bar']:g}", outcome
