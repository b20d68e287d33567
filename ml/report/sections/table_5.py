"""Table 5 of Matas et al., arXiv 2407.00104: what each backbone costs, and its accuracy where it was trained here."""

from ml.report.parts import Document, Section, Table


def backbones(document: Document) -> Section | None:
    rows = document.get("backbones")
    if not rows:
        return None
    head = ["Backbone", "Parameters", "GMac", "Latency, ms", "BCC: ROC-AUC", "BCC: average precision"]
    body = [
        [row["label"], row["parameters"], row["gmacs"], row["latency_ms"], *_accuracy(row["accuracy"])] for row in rows
    ]
    return Section("Backbones (Table 5)", [Table(head, body)])


def _accuracy(accuracy: str | Document) -> list[object]:
    """A backbone's figures, or twice the words "not trained here"."""
    if isinstance(accuracy, str):
        return [accuracy, accuracy]
    return [accuracy[name]["value"] if name in accuracy else None for name in ("auc", "average_precision")]
