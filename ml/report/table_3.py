"""Table 3 of Matas et al., arXiv 2407.00104: every finding, and its confusion matrix."""

from collections.abc import Iterator
from typing import Final

from ml.charts import matrix
from ml.patterns import Pattern
from ml.report.parts import Document, estimate, paragraph, section, table

FIGURES: Final = {
    "recall": "Recall",
    "specificity": "Specificity",
    "precision": "Precision",
    "accuracy": "Accuracy",
    "f1": "F1",
    "auc": "ROC-AUC",
    "average_precision": "Average precision",
}
DRAWN: Final = {"phantoms": "unseen phantoms", "grafts": "drawn on unseen photographs"}
_CELLS: Final = {"tp": "True positive", "fp": "False positive", "fn": "False negative", "tn": "True negative"}


def rows_of_table_3(document: Document) -> Iterator[tuple[str, str, int, int, Document]]:
    """(finding, measured on, images, positive images, figures) of every finding that was measured."""
    yield "BCC", "HAM10000", document["images"], document["bcc_images"], document
    clinics = document.get("other_clinics")
    if clinics:
        yield "BCC", "other clinics, 84 px", clinics["images"], clinics["bcc_images"], clinics
    network = document.get("pigment_network")
    if network:
        yield Pattern.PN.label, "ISIC 2018 Task 2, experts", network["images"], network["positives"], network
    for key, name in DRAWN.items():
        for code, row in document.get(key, {}).get("patterns", {}).items():
            yield Pattern(code).label, name, row["images"], row["positives"], row


def findings(document: Document) -> str:
    rows = [
        [finding, source, images, positive, *(estimate(row[figure]) for figure in FIGURES)]
        for finding, source, images, positive, row in rows_of_table_3(document)
    ]
    text = (
        "At the shipped thresholds. Of the seven patterns only pigment network has public expert labels. The other six "
        "are measured on drawings, which says nothing about patients."
    )
    head = ["Finding", "Measured on", "Images", "Positive", *FIGURES.values()]
    return section("Every finding (Table 3)", paragraph(text), table(head, rows))


def confusions(document: Document) -> str:
    measured = list(rows_of_table_3(document))
    rows = [
        [finding, source, *(estimate(row["confusion"][cell], 0) for cell in _CELLS)]
        for finding, source, _, _, row in measured
    ]
    drawings = "".join(
        f"<h3>{finding}, {source}</h3>" + _two_by_two(f"{finding}, {source}", row["confusion"])
        for finding, source, _, _, row in measured
        if source not in DRAWN.values()
    )
    return section("Confusion matrices", table(["Finding", "Measured on", *_CELLS.values()], rows), drawings)


def _two_by_two(name: str, cells: Document) -> str:
    counts = [[round(cells[cell]["value"]) for cell in pair] for pair in (("tp", "fn"), ("fp", "tn"))]
    return matrix(f"{name}: truth and prediction", ["yes", "no"], counts)
