"""What the gate sends to a person."""

from ml.report.parts import Document, Section, Table


def gate(document: Document) -> Section | None:
    found = document.get("gate")
    if not found:
        return None
    rows = [[name, row["pictures"], row["sent"]] for name, row in found["sources"].items()]
    text = (
        f"Pictures sent to a person because they do not look like dermoscopy, out of fold; point: {found['point']}. "
        "Close-up: clinical photographs of MILK10k's lesions. Other: pages, screens, photographs, noise and the like."
    )
    return Section("Gate", [text, Table(["Pictures of", "Pictures", "Sent to a person"], rows)])
