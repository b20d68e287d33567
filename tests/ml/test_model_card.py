"""The generated model card says what the card and the report say, and what was missed."""

import json
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.bundle import write_card
from ml.data.readings import EVIDENCE
from ml.data.records import DataError
from ml.evaluation.criteria import CRITERIA
from ml.report.files import REPORT_FILE, read_report
from ml.report.model_card import model_card
from tests.ml.evaluated import card

PAGE = Path(__file__).parents[2] / "docs" / "model-card.md"


def test_the_page_in_docs_is_the_shipped_cards(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card"]) == 0
    assert PAGE.read_text(encoding="utf-8") == capsys.readouterr().out, "write it again: python -m ml card"


def test_a_pattern_has_its_positives_agreement_area_correlation_and_evidence() -> None:
    shown = model_card(card()).splitlines()
    assert "| Multiglobules | 297 | 0.736 | 0.910 (0.880 to 0.930) | 0.210 | diagnoses |" in shown
    assert "| Ulceration | n/a | n/a | n/a | n/a | diagnoses |" in shown
    assert "Shown as “BCC structure, kind not told apart”: Spoke wheel areas." in shown


def test_sensitivity_is_promised_only_where_it_was_measured() -> None:
    shown = model_card(card())
    row = "| Basal cell carcinoma | 0.500 | HAM10000 | 514 | 0.960 (0.940 to 0.980) | 9501 | 0.951 (0.940 to 0.960) |"
    assert row in shown
    assert "Squamous cell carcinoma |" not in shown  # nothing promised
    assert "This says nothing of other clinics" in shown


def test_it_carries_notice_licence_data_gate_and_training() -> None:
    made = card()
    shown = model_card(made)
    for text in (
        f"**{made.notice}**",
        made.reference,
        "Licence: CC BY-NC.",
        "| HAM10000 | Tschandl 2018 |",
        "| HAM10000 | 60 | 50 | 20 | 18 |",
        "below 0.400",
        "made by hand",
        "Commands: `python -m ml folds`.",
        "Configuration: size 224.",
        "Libraries: python 3.11.",
    ):
        assert text in shown


def test_a_missed_line_says_what_was_missed_and_by_how_much() -> None:
    figure = {"value": 0.981, "low": 0.97, "high": 0.99}
    judged = [criterion.judge({"diagnosis": {"HAM10000": {"BCC: AUC": figure}}}) for criterion in CRITERIA[:2]]
    shown = model_card(card(), {"criteria": judged})
    assert "Missed: HAM10000, BCC: AUC is 0.981, required ≥ 0.99." in shown
    assert "Not measured: HAM10000, BCC: specificity at sensitivity 0.95." in shown
    assert "Missed" not in model_card(card(), {"criteria": []})


def test_subgroups_that_are_too_small_are_named_with_how_many() -> None:
    row = {
        "collection": "MILK10k",
        "way": "skin tone class",
        "group": "1",
        "images": 40,
        "bcc_images": 3,
        "figures": None,
    }
    shown = model_card(card(), {"subgroups": [{**row, "lesions": 40}]})
    assert "Too few BCC to measure (BCC of images): MILK10k, skin tone class 1 (3 of 40)." in shown


def test_weak_labels_are_called_weak() -> None:
    assert "weak labels" in EVIDENCE
    assert "no dermatologist has checked them" in EVIDENCE


def test_the_command_takes_a_bundle_and_its_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_card(tmp_path, card())
    assert main(["card", str(tmp_path)]) == 0
    assert capsys.readouterr().out == model_card(card())
    report = {"bundle": card().reference, "criteria": [CRITERIA[0].judge({})]}
    (tmp_path / REPORT_FILE).write_text(json.dumps(report))
    assert main(["card", str(tmp_path)]) == 0
    assert capsys.readouterr().out == model_card(card(), report)


def test_the_report_of_another_bundle_is_refused(tmp_path: Path) -> None:
    file = tmp_path / REPORT_FILE
    file.write_text(json.dumps({"bundle": "other-1@0123456789ab"}))
    with pytest.raises(DataError, match="about other-1@0123456789ab, not about made-1@"):
        read_report(file, card())
    file.write_text("[1, 2")
    with pytest.raises(DataError, match="not a readable report"):
        read_report(file, card())
    with pytest.raises(DataError, match="not a readable report"):
        read_report(tmp_path / "nowhere.json", card())
