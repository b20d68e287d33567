"""Table 3 of Matas et al., arXiv 2407.00104, beside what the paper itself reports."""

from typing import Final

from ml.data.readings import EVIDENCE
from ml.evaluation.table_3 import PAPER
from ml.patterns import Pattern
from ml.report.parts import Document, Section, Table, cell, estimate

FIGURES: Final = {
    "recall": "Recall",
    "specificity": "Specificity",
    "precision": "Precision",
    "accuracy": "Accuracy",
    "f1": "F1",
    "auc": "ROC-AUC",
    "average_precision": "Average precision",
}


def table_3(document: Document) -> Section | None:
    found = document.get("table_3")
    if not found:
        return None
    rows = [
        [
            _name(row["finding"]),
            row["measured_on"],
            f"{row['positives']} of {row['images']}",
            *(_figure(row["figures"].get(figure)) for figure in FIGURES),
            row["point"],
        ]
        for row in found
    ]
    paper = [
        [name, "the paper's own images", "n/a", *(cell(figures.get(figure)) for figure in FIGURES), "the paper's"]
        for name, figures in PAPER.items()
    ]
    text = (
        "Out of fold, with the 95 % interval over lesions and the variance over folds. The paper's figures are of its "
        f"own images, read by dermatologists: no like-for-like. The six are measured against readings, {EVIDENCE}."
    )
    head = ["Finding", "Measured on", "Positive", *FIGURES.values(), "Called from"]
    return Section("Every finding (Table 3)", [text, Table(head, [*rows, *paper])])


def _figure(figure: Document | None) -> str:
    if figure is None:
        return "n/a"
    spread = figure.get("variance")
    return estimate(figure) if spread is None else f"{estimate(figure)}, variance {spread:.1e}"


def _name(code: str) -> str:
    return Pattern(code).label if code in set(Pattern) else code
