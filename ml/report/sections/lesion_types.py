"""Lesion types, with support, and who is taken for whom."""

from ml.charts import matrix
from ml.patterns import Lesion
from ml.report.parts import Document, Drawing, Section, Table


def lesion_types(document: Document) -> Section | None:
    found = document.get("lesion_types")
    if not found:
        return None
    blocks: list[str | Table | Drawing] = []
    for name, each in found.items():
        rows = [
            [Lesion(code).label, *(row[key] for key in ("images", "lesions", "recall", "precision", "f1"))]
            for code, row in each["types"].items()
        ]
        names, counts = each["confusion"]["names"], each["confusion"]["rows"]
        blocks += [
            f"{name}:",
            Table(["Type", "Images", "Lesions", "Recall", "Precision", "F1"], rows),
            Drawing(matrix(f"Lesion types, {name}: truth and prediction", names, counts)),
            Table(["Truth", *names], [[truth, *row] for truth, row in zip(names, counts, strict=True)]),
        ]
    return Section("Lesion types", blocks)
