"""The report on disk: report.html and model-card.md for people, report.json with the same numbers for programs."""

import json
from pathlib import Path
from typing import Any, Final

from ml.card import Card, with_current_keys
from ml.data.records import DataError
from ml.report.model_card import model_card
from ml.report.page import page

REPORT_FILE: Final = "report.json"
PAGE_FILE: Final = "report.html"
MODEL_CARD_FILE: Final = "model-card.md"


def write_report(folder: Path, document: dict[str, Any], card: Card | None = None) -> None:
    """Write the files of a document made by `ml.report.document`; with the bundle's card also the model card."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / REPORT_FILE).write_text(text, encoding="utf-8")
    (folder / PAGE_FILE).write_text(page(document), encoding="utf-8")
    if card is not None:
        (folder / MODEL_CARD_FILE).write_text(model_card(card, document), encoding="utf-8")


def read_report(file: Path, card: Card) -> dict[str, Any]:
    """The report.json of this card's bundle. Raises `DataError`."""
    try:
        document = dict(with_current_keys(json.loads(file.read_text(encoding="utf-8"))))
    except (OSError, ValueError, TypeError) as error:
        raise DataError(f"{file} is not a readable report ({type(error).__name__}).") from error
    if document.get("bundle") != card.reference:
        raise DataError(f"{file} is about {document.get('bundle')}, not about {card.reference}.")
    return document
