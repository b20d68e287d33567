"""The report's building blocks: curves by hand, and a section as HTML, Markdown and text."""

from itertools import pairwise

import numpy as np
import pytest

from ml.report.curves import precision_recall, reliability, roc
from ml.report.document import rounded
from ml.report.parts import Drawing, Section, Table, cell, html, markdown, text

LABELS = np.array([True, True, False, False, False])
SCORES = np.array([0.9, 0.6, 0.7, 0.2, 0.1])


def test_roc_by_hand() -> None:
    """Falling thresholds: hit, miss, hit, then the two other negatives."""
    curve = roc(SCORES, LABELS)
    assert (curve["x"][0], curve["y"][0], curve["x"][-1], curve["y"][-1]) == (0, 0, 1, 1)
    assert dict(curve["at"])[0.95] == pytest.approx(2 / 3)


def test_precision_and_recall_by_hand() -> None:
    curve = precision_recall(SCORES, LABELS)
    assert dict(curve["at"])[0.90] == pytest.approx(2 / 3)
    assert curve["prevalence"] == pytest.approx(2 / 5)
    assert (curve["x"][0], curve["y"][0]) == (0.5, 1)
    assert all(first <= second for first, second in pairwise(curve["x"]))


def test_reliability_by_hand() -> None:
    bins = reliability(np.array([0.05, 0.15, 0.18, 1.0]), np.array([False, True, False, True]))
    assert [b["images"] for b in bins] == [1, 2, 1]
    assert bins[1]["mean"] == pytest.approx(0.165)
    assert bins[1]["observed"] == 0.5
    assert (bins[2]["low"], bins[2]["high"]) == (0.9, 1.0)


def test_long_curves_are_thinned_but_keep_their_ends() -> None:
    scores = np.random.default_rng(1).random(5000)
    curve = roc(scores, scores + np.random.default_rng(2).normal(0, 0.3, 5000) > 0.5)
    assert len(curve["x"]) <= 200
    assert (curve["x"][0], curve["y"][-1]) == (0, 1)


def test_cells_are_readable() -> None:
    values = [None, 0.12345, 1e-9, 0.0, 3, True, {"value": 0.5, "low": 0.25, "high": 1.0}, {"value": None}]
    shown = ["n/a", "0.123", "1.0e-09", "0.000", "3", "yes", "0.500 (0.250 to 1.000)", "n/a"]
    assert [cell(value) for value in values] == shown


def test_a_section_says_the_same_in_three_ways() -> None:
    section = Section("A & B", ["One < two.", Table(["a<b", "c"], [[0.5, "<i>"]]), Drawing("<svg></svg>")])
    assert html(section) == (
        "<h2>A &amp; B</h2><p>One &lt; two.</p><div><table><thead><tr>"
        '<th scope="col">a&lt;b</th><th scope="col">c</th></tr></thead>'
        "<tbody><tr><td>0.500</td><td>&lt;i&gt;</td></tr></tbody></table></div><svg></svg>"
    )
    assert markdown(section) == "## A & B\n\nOne < two.\n\n| a<b | c |\n| --- | --- |\n| 0.500 | <i> |"
    assert text(section) == "A & B\n  One < two.\n  a<b    c\n  0.500  <i>"


def test_numbers_are_written_short_and_nan_as_nothing() -> None:
    given = {"a": (0.123456789, float("nan")), "b": np.float64(1e-9), 3: "x", "c": [None, True, 7]}
    assert rounded(given) == {"a": [0.123457, None], "b": 1e-9, "3": "x", "c": [None, True, 7]}
