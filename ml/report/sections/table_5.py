"""Table 5 of Matas et al., arXiv 2407.00104: what each backbone costs, and its accuracy where it was trained here."""

from typing import Final

from ml.data.collections import HAM, MILK
from ml.report.parts import Document, Section, Table

COLLECTIONS: Final = (HAM, MILK)


def backbones(document: Document) -> Section | None:
    rows = document.get("backbones")
    if not rows:
        return None
    head = ["Backbone", "Parameters", "GMac", "Latency, ms", *(f"BCC, {name}: AUC" for name in COLLECTIONS)]
    body = [
        [row["label"], row["parameters"], row["gmacs"], row["latency_ms"], *_accuracy(row["accuracy"])] for row in rows
    ]
    return Section("Backbones (Table 5)", [Table(head, body)])


def _accuracy(accuracy: str | Document) -> list[object]:
    """A backbone's figures, or for each the words "not trained here"."""
    if isinstance(accuracy, str):
        return [accuracy] * len(COLLECTIONS)
    return [accuracy.get(name) for name in COLLECTIONS]
