"""A model's card and findings in today's format, made by hand: no model is run, and no figure here was measured."""

from typing import Any

from ml.card import CODES, Target
from tests.images import jpeg
from webapp.analysis.results import HeatmapRaster, TargetResult

WEAK = "weak labels: several automated readings merged; no dermatologist has checked them"
EXPERTS = "experts' outlines"
THRESHOLDS = {"BCC": 0.1, "SCC": 0.2, "MEL": 0.3}
LIKELY_FROM, POSSIBLE_FROM = 0.5, 0.2
"""For every pattern."""
NOTICE = "Not clinically validated: a test model."


def promise(collection: str, sensitivity: float, specificity: float) -> dict[str, Any]:
    def measured(value: float) -> dict[str, float]:
        return {"value": value, "low": value - 0.02, "high": value + 0.02}

    figures = {"sensitivity": measured(sensitivity), "specificity": measured(specificity)}
    return {"collection": collection, **figures, "positives": 500, "negatives": 9500}


def entry(code: str, **changes: Any) -> dict[str, Any]:
    """The card's entry on a finding."""
    cancer = code in THRESHOLDS
    threshold = THRESHOLDS.get(code, LIKELY_FROM)
    points = [{"target_sensitivity": 0.95, "threshold": threshold, "sensitivity": 0.95, "specificity": 0.9}]
    labels = {
        "positives": 416,
        "agreement": 0.81,
        "auc": {"value": 0.89, "low": 0.86, "high": 0.92},
        "correlation": None if code == "PN" else 0.31,
    }
    return {
        "code": code,
        "evidence": "diagnoses" if cancer else EXPERTS if code == "PN" else WEAK,
        "temperature": 1.0,
        "offset": 0.0,
        "operating_points": points,
        "default_sensitivity": 0.95,
        "place": {"full": 1.0, "floor": 0.1},
        "prior": 0.5,
        "possible_from": None if cancer else POSSIBLE_FROM,
        "told_apart": True,
        "labels": None if cancer else labels,
        "promises": [promise("HAM10000", 0.97, 0.96), promise("MILK10k", 0.951, 0.83)] if cancer else [],
    } | changes


def card(*changed: dict[str, Any]) -> dict[str, Any]:
    """All ten findings, with the changed entries instead of the usual ones."""
    entries = {code: entry(code) for code in CODES} | {target["code"]: target for target in changed}
    return {"format_version": 2, "notice": NOTICE, "targets": list(entries.values())}


def former_card() -> dict[str, Any]:
    """As cards were before: BCC alone has an operating point, and nothing is said of calls, places and promises."""
    entry_of_bcc = entry("BCC")
    kept = ("code", "evidence", "operating_points", "default_sensitivity")
    return {"notice": NOTICE, "targets": [{name: entry_of_bcc[name] for name in kept}]}


def found(code: str, probability: float, *, placed: bool = True, **changes: Any) -> TargetResult:
    """A finding as a worker would store it: called by the card, with a map if it is present and placed."""
    target = Target.from_json(entry(code, **changes))
    present = probability >= target.present_from
    raster = HeatmapRaster(png=jpeg(seed=9)[:64], peak_x=0.5, peak_y=0.5, extent=0.1) if present and placed else None
    return TargetResult(code, probability, present, target.call(probability), 0.4, placed, raster)
