"""The report is valid HTML, has every chart, and its numbers are those of the JSON."""

import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from justhtml import JustHTML

from ml.__main__ import main
from ml.backbones import BACKBONES
from ml.bundle import MODEL_FILE, Bundle, write_card
from ml.data.ham10000 import Ham10000
from ml.data.mixture import Sources
from ml.data.splits import Split
from ml.engine import Engine
from ml.evaluation.out_of_distribution import images
from ml.evaluation.table_5 import table as backbone_table
from ml.report.curves import confusion, precision_recall, reliability, roc
from ml.report.document import document, summary
from ml.report.files import write_report
from ml.report.page import page
from ml.report.parts import estimate, table

LABELS = np.array([True, True, False, False, False])
SCORES = np.array([0.9, 0.6, 0.7, 0.2, 0.1])


def check_html(html: str) -> None:
    found = JustHTML(html, collect_errors=True)
    assert not found.errors, found.errors[:3]


@pytest.fixture(scope="module")
def found(bundle: Bundle, tiny_ham: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The document of random weights on twelve images."""
    folder = tmp_path_factory.mktemp("known-1")
    (folder / MODEL_FILE).write_bytes(bundle.model_file.read_bytes())
    write_card(folder, replace(bundle.card, data={"seed": 1}, notice="Not validated: <b>5 < 6</b>."))
    rows = backbone_table(BACKBONES[:2], {"mobilenet_v2": {"auc": {"value": 0.987}}}, repetitions=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ml.evaluation.bootstrap.RESAMPLES", 50)
        patch.setattr("ml.evaluation.out_of_distribution.images", lambda: images(seeds=1))
        return document(Engine(Bundle.load(folder)), Sources(Ham10000(tiny_ham)), Split.TEST, 0, rows)


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


def test_cells_are_escaped_and_readable() -> None:
    drawn = table(["a<b"], [[None], [0.12345], [1e-9], ["<i>"], [0.0]])
    for text in ("a&lt;b", "n/a", "0.123", "1.0e-09", "&lt;i&gt;", "0.000"):
        assert f">{text}<" in drawn


def test_the_page_is_valid_and_carries_the_numbers(found: dict[str, Any]) -> None:
    html = page(found)
    check_html(html)
    assert "5 &lt; 6" in html
    assert found["bundle"] in html
    for figure in ("auc", "average_precision", "recall", "specificity", "accuracy", "ece", "lesion_accuracy"):
        assert estimate(found[figure]) in html
    assert estimate(found["confusion"]["tp"], 0) in html
    assert estimate(found["alignment"]["BCC, lesion masks"]["ratio"], 2) in html
    assert "<td>0.987</td>" in html
    assert "not trained here" in html
    assert "not measured" in html
    assert "too few" in html
    charts = ["BCC, HAM10000", "ROC curve", "Precision and recall", "Reliability", "Lesion types", "Densities of BCC"]
    titles = re.findall(r'<title id="[^"]+">([^<]+)</title>', html)
    assert [name for name in charts if not any(title.startswith(name) for title in titles)] == []
    assert html.count("<svg") == len(charts)
    assert "<script" not in html
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
    names = re.findall(r'\bid="([^"]+)"', html)
    assert len(set(names)) == len(names)
    assert page(found) == html


def test_parts_that_were_not_measured_are_left_out(found: dict[str, Any]) -> None:
    html = page({**found, "alignment": {}, "backbones": []})
    check_html(html)
    for title in ("inside and outside the masks", "Backbones", "Other clinics", "clinical rule"):
        assert title not in html


def test_both_files_say_the_same(found: dict[str, Any], tmp_path: Path) -> None:
    write_report(tmp_path, found)
    again = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page(again)
    assert again["auc"]["value"] == pytest.approx(found["auc"]["value"], rel=1e-5)


def test_a_card_keeps_the_figures_and_leaves_the_drawings(found: dict[str, Any]) -> None:
    kept = summary(found)
    assert kept["auc"] == found["auc"]
    assert kept["split"] == "test"
    assert not {"curves", "confusion", "subgroups", "alignment", "criteria", "bundle"} & kept.keys()


def test_the_command_refuses_anything_but_a_table_of_backbones(
    bundle: Bundle, tiny_ham: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "backbones.json"
    file.write_text("{}")
    assert main(["evaluate", str(bundle.path), "--data", str(tiny_ham), "--backbones", str(file)]) == 2
    assert "is not the output of `python -m ml backbones --json`" in capsys.readouterr().err
