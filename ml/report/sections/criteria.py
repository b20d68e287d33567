"""The criteria with what was measured, and in words what was missed."""

from ml.evaluation.criteria import words
from ml.report.parts import Document, Section, Table


def criteria(document: Document) -> Section | None:
    judged = document.get("criteria")
    if not judged:
        return None
    head = ["Criterion", "Value", "95 % interval", "Required", "Outcome"]
    blocks: list[str | Table] = [Table(head, [[row["name"], *words(row)] for row in judged]), *missed(document)]
    return Section("Criteria", blocks)


def missed(document: Document) -> list[str]:
    """One sentence on the lines that do not hold, one on those that nobody measured."""
    judged = document.get("criteria", [])
    names = [_missed(row) for row in judged if row["met"] is False]
    unknown = [row["name"] for row in judged if row["met"] is None]
    return [
        *([f"Missed: {'; '.join(names)}."] if names else []),
        *([f"Not measured: {'; '.join(unknown)}."] if unknown else []),
    ]


def _missed(row: Document) -> str:
    value, _, bar, _ = words(row)
    return f"{row['name']} is {value}, required {bar}"
