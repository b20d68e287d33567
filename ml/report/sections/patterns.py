"""The six patterns within BCC against the merged readings, and pigment network against experts."""

from ml.data.readings import EVIDENCE
from ml.evaluation.pattern_heads import LEAST_AUC, LEAST_POSITIVES
from ml.patterns import Pattern
from ml.report.parts import Document, Section, Table, cell


def patterns(document: Document) -> Section | None:
    found, experts = document.get("patterns"), document.get("pigment_network")
    blocks: list[str | Table] = []
    if found:
        rows = [
            [
                Pattern(code).label,
                *(row.get(key) for key in ("positives", "kappa", "auc", "correlation", "recall", "specificity")),
                row["told_apart"],
            ]
            for code, row in found["six"].items()
        ]
        head = ["Pattern", "Real positives", "Readers' kappa", "AUC", "Correlation with the others", "Recall"]
        together = [
            ["Mean correlation of the six", found["mean_correlation"]],
            ["A pattern that was read is called, of BCC with any", found["any_of_six"].get("right")],
            [f"Any of the six is called, of {found['naevi']} naevi", found["any_of_six"].get("naevi")],
        ]
        blocks += [
            f"Within {found['bcc']} BCC that were read: among all images a head could live on knowing a BCC when it "
            f"sees one. Labels: {EVIDENCE}. Told apart: AUC at least {LEAST_AUC:.2f} and {LEAST_POSITIVES} real "
            "positives.",
            Table([*head, "Specificity", "Told apart"], rows),
            Table(["Together", "Value"], together),
        ]
    if experts:
        blocks.append(
            f"Pigment network, marked by experts in {experts['positives']} of {experts['images']} images of ISIC 2018 "
            f"Task 2: AUC {cell(experts['auc'])}."
        )
    return Section("Patterns", blocks) if blocks else None
