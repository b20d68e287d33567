"""The criteria point at figures that a document has, and are judged by their bars."""

from typing import Any

import pytest

from ml.evaluation.criteria import CRITERIA, Criterion, judge, words

FIGURE = {"value": 0.5, "low": 0.4, "high": 0.6}


@pytest.mark.parametrize(
    ("bar", "at_least", "outcome"),
    [(0.5, True, "holds"), (0.51, True, "missed"), (0.5, False, "holds"), (0.49, False, "missed")],
)
def test_a_bar_is_reached_by_itself(bar: float, at_least: bool, outcome: str) -> None:
    row = Criterion("any", ("a", "b"), bar, at_least).judge({"a": {"b": FIGURE}})
    sign = "≥" if at_least else "≤"
    assert words(row) == ("0.500", "0.400 to 0.600", f"{sign} {bar:g}", outcome)


@pytest.mark.parametrize("document", [{}, {"a": {}}, {"a": None}, {"a": {"b": {"value": None}}}])
def test_what_is_not_there_was_not_measured(document: dict[str, Any]) -> None:
    row = Criterion("any", ("a", "b"), 0.5).judge(document)
    assert row["met"] is None
    assert words(row) == ("n/a", "", "≥ 0.5", "not measured")


def test_every_line_has_a_name_of_its_own() -> None:
    assert len({criterion.name for criterion in CRITERIA}) == len({criterion.path for criterion in CRITERIA})
    assert len({criterion.name for criterion in CRITERIA}) == len(CRITERIA) == len(judge({}))


def test_the_bars_are_those_that_were_set() -> None:
    bars = {criterion.path[1:]: criterion.bar for criterion in CRITERIA}
    assert bars["HAM10000", "BCC: AUC"] == 0.99
    assert bars["MILK10k", "BCC against SCC: AUC"] == 0.95
    assert bars["BCC", "MILK10k", "sensitivity"] == 0.95
    within = {path[1]: bar for path, bar in bars.items() if path[0] == "six"}
    assert within == {"U": 0.90, "AT": 0.91, "ON": 0.94, "MG": 0.87, "ML": 0.93, "SW": 0.83}
    low = {criterion.path[-1] for criterion in CRITERIA if not criterion.at_least}
    assert low == {"mean_correlation", "naevi", "sent", "missed"}
    (close_ups,) = [c for c in CRITERIA if c.path[-2:] == ("close-up", "sent")]
    assert close_ups.at_least
