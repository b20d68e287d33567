"""The generated model card agrees with the card and the report."""

import json
from pathlib import Path

import pytest

from ml.__main__ import main
from ml.bundle import Bundle
from ml.data.records import DataError
from ml.report.files import REPORT_FILE, read_report
from ml.report.model_card import markdown

PAGE = Path(__file__).parents[2] / "docs" / "model-card.md"


def test_the_page_in_docs_is_the_shipped_cards(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["card"]) == 0
    assert PAGE.read_text(encoding="utf-8") == capsys.readouterr().out, "write it again: python -m ml card"


def test_the_page_carries_limits_and_figures(shipped: Bundle) -> None:
    page = markdown(shipped.card)
    assert shipped.card.notice in page
    assert shipped.reference in page
    assert "CC BY-NC" in page
    assert f"{shipped.card.metrics['auc']['value']:.3f}" in page
    assert f"{shipped.card.metrics['lesions']} lesions" in page


def test_the_report_of_another_bundle_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    file = tmp_path / REPORT_FILE
    file.write_text(json.dumps({"bundle": "other-1@0123456789ab"}))
    with pytest.raises(DataError, match="about other-1@0123456789ab, not about random-1@"):
        read_report(file, bundle.card)
    file.write_text("[1, 2")
    with pytest.raises(DataError, match="not a readable report"):
        read_report(file, bundle.card)
    with pytest.raises(DataError, match="not a readable report"):
        read_report(tmp_path / "nowhere.json", bundle.card)
