"""The page is valid, its drawings hold the points, and its numbers are those of the JSON."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from justhtml import JustHTML

from ml.alignment import align
from ml.alignment import table as alignment_table
from ml.backbones import BACKBONES
from ml.backbones import table as backbone_table
from ml.bundle import Bundle
from ml.datasets import Record
from ml.evaluation import Predictions
from ml.patterns import Lesion
from ml.report.curves import confusion, precision_recall, reliability, roc
from ml.report.document import document
from ml.report.page import page, table
from ml.report.svg import COLOURS, Series, chart, matrix, steps

ROOT = Path(__file__).parents[2]
LABELS = np.array([True, True, False, False, False])
SCORES = np.array([0.9, 0.6, 0.7, 0.2, 0.1])


def check_html(html: str) -> None:
    found = JustHTML(html, collect_errors=True)
    assert not found.errors, found.errors[:3]


@pytest.fixture(scope="module")
def found(bundle: Bundle) -> dict[str, Any]:
    generator = np.random.default_rng(1)
    lesions = [Lesion.BCC if number % 3 == 0 else Lesion.NV for number in range(60)]
    records = tuple(Record(str(n), str(n), lesion, "", None, "") for n, lesion in enumerate(lesions))
    logits = np.array([record.bcc * 2.0 for record in records]) + generator.normal(0, 1, 60)
    predictions = Predictions(records, logits, generator.normal(0, 1, (60, 7)), np.zeros(60, bool))
    half = np.zeros((8, 8), bool)
    half[:, :4] = True
    pairs = [(half + generator.random((8, 8)), half) for _ in range(6)]
    card = replace(bundle.card, notice="Not validated: <b>5 < 6</b>.")
    rows = backbone_table(BACKBONES[:2], {"mobilenet_v2": {"auc": {"value": 0.987}}}, repetitions=0)
    return document(predictions, card, "test", alignment_table({"PN": align(pairs)}), rows)


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


def test_confusion_by_hand() -> None:
    assert confusion([0, 0, 1], [0, 1, 1], ["a", "b", "c"])["rows"] == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_long_curves_are_thinned_but_keep_their_ends() -> None:
    scores = np.random.default_rng(1).random(5000)
    curve = roc(scores, scores + np.random.default_rng(2).normal(0, 0.3, 5000) > 0.5)
    assert len(curve["x"]) <= 200
    assert (curve["x"][0], curve["y"][-1]) == (0, 1)


def test_a_drawing_holds_every_point_where_it_belongs() -> None:
    drawing = chart("<T>", "x & y", "d", [Series("one", [0.0, 0.5, 1.0], [0.0, 1.0, 2.0], dots=True)], y_max=2)
    assert 'aria-label="&lt;T&gt;"' in drawing
    assert "x &amp; y" in drawing
    assert 'points="60.0,336.0 220.0,176.0 380.0,16.0"' in drawing
    assert drawing.count("<circle") == 3
    check_html(f"<!DOCTYPE html><title>t</title>{drawing}")


def test_series_differ_in_colour_and_in_dash() -> None:
    drawing = chart("t", "x", "y", [Series(name, [0, 1], [0, 1]) for name in "abcd"])
    for colour in COLOURS:
        assert colour in drawing
    assert len(set(re.findall(r'stroke-width="2" stroke-dasharray="([^"]+)"', drawing))) == 4


def test_steps_outline_the_bars() -> None:
    series = steps("s", [1.0, 3.0])
    assert (series.x, series.y) == ([0, 0.5, 0.5, 1], [1, 1, 3, 3])


def test_a_matrix_shades_by_the_share_of_the_row() -> None:
    drawing = matrix("m", ["a", "b"], [[3, 1], [0, 0]])
    assert re.findall(r'fill-opacity="([\d.]+)"', drawing) == ["0.750", "0.250", "0.000", "0.000"]
    check_html(f"<!DOCTYPE html><title>t</title>{drawing}")


def test_cells_are_escaped_and_readable() -> None:
    drawn = table(["a<b"], [[None], [0.12345], [1e-9], ["<i>"], [0.0]])
    for text in ("a&lt;b", "n/a", "0.123", "1.0e-09", "&lt;i&gt;", "0.000"):
        assert f">{text}<" in drawn


def test_the_page_is_valid_and_carries_the_numbers(found: dict[str, Any]) -> None:
    html = page(found)
    check_html(html)
    assert "5 &lt; 6" in html
    assert found["bundle"] in html
    figures = found["figures"]
    for figure in ("auc", "average_precision", "ece", "lesion_accuracy"):
        for value in figures[figure].values():
            assert f"<td>{value:.3f}</td>" in html
    assert f"<td>{found['alignment']['PN']['mean_inside']:.3f}</td>" in html
    assert "<td>0.987</td>" in html
    assert "not trained here" in html
    assert html.count("<svg") == 5  # ROC, precision and recall, reliability, lesion types, densities
    assert "<script" not in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")


def test_parts_that_were_not_measured_are_left_out(found: dict[str, Any]) -> None:
    html = page({**found, "alignment": {}, "backbones": []})
    check_html(html)
    assert "expert masks" not in html
    assert "Backbones" not in html


def test_the_document_survives_json(found: dict[str, Any]) -> None:
    again = json.loads(json.dumps(found, allow_nan=False))
    assert page(again) == page(found)


@pytest.mark.slow
def test_the_command_writes_both_files(bundle: Bundle, edit_card: Any, tiny_ham: Path, tmp_path: Path) -> None:
    folder = edit_card(data={"seed": 1})
    command = [sys.executable, "-W", "error", "-m", "ml", "report", folder, "--data", tiny_ham, "--output", tmp_path]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page(found)
    assert found["split"] == "test"
