"""The sections on the paper's coding and its clinical rule."""

from typing import Final

from ml.patterns import Pattern
from ml.report.parts import Document, estimate, paragraph, section, table

_RULE: Final = {
    "any_of_six": "One of the six BCC patterns found",
    "network": "Pigment network found",
    "rule_right": "Clinical rule right",
}


def coding(document: Document) -> str:
    found = document.get("coding")
    if not found:
        return ""
    names, counts = found["confusion"]["names"], found["confusion"]["rows"]
    rows = [[name, estimate(found["correct"][name]), *row] for name, row in zip(names, counts, strict=True)]
    text = (
        "The paper's coding, on the real images where the truth is known: a BCC shows a BCC pattern; in ISIC 2018 "
        "Task 2, which has no BCC, experts marked pigment network or none."
    )
    return section(
        "No pattern, pigment network, or a BCC pattern", paragraph(text), table(["Truth", "Correct", *names], rows)
    )


def rule(document: Document) -> str:
    found = document.get("rule")
    if not found:
        return ""
    figures = [
        [name, estimate(found[f"{key}_in_bcc"]), estimate(found[f"{key}_in_non_bcc"])] for key, name in _RULE.items()
    ]
    shares = [
        [Pattern(code).label, share, found["found_in_non_bcc"][code]] for code, share in found["found_in_bcc"].items()
    ]
    head = ["On real images", "BCC", "Not BCC"]
    return section("The clinical rule", table(head, figures), table(["Found in", *head[1:]], shares))
