"""The page for people says what the card says."""

from pathlib import Path

from ml.bundle import Bundle
from ml.model_card import markdown

PAGE = Path(__file__).parents[2] / "docs" / "model-card.md"


def test_the_page_in_docs_is_the_shipped_cards(shipped: Bundle) -> None:
    assert PAGE.read_text(encoding="utf-8") == markdown(shipped.card), "write it again: python -m ml card"


def test_the_page_carries_limits_and_figures(shipped: Bundle) -> None:
    page = markdown(shipped.card)
    assert shipped.card.notice in page
    assert shipped.reference in page
    assert "CC BY-NC" in page
    assert f"{shipped.card.metrics['auc']['value']:.3f}" in page
    assert f"{shipped.card.metrics['lesions']} lesions" in page
