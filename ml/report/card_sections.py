"""The model card's sections on what the model does, as Markdown; a section is empty if it was not measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from ml.card import Card
from ml.evaluation.criteria import words
from ml.patterns import Pattern
from ml.report.parts import estimate

Document = Mapping[str, Any]
FIGURES = {
    "auc": "BCC: area under the ROC curve",
    "average_precision": "BCC: average precision",
    "recall": "BCC: recall at the shipped threshold",
    "specificity": "BCC: specificity there",
    "precision": "BCC: precision there",
    "f1": "BCC: F1 there",
    "ece": "BCC: expected calibration error",
    "lesion_accuracy": "Lesion type: accuracy",
    "lesion_macro_f1": "Lesion type: macro F1",
}


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)


def criteria(card: Card, found: Document) -> str:
    rows = [[row["name"], *words(row)] for row in found.get("criteria", [])]
    head = ["criterion", "value", "95 % interval", "required", "outcome"]
    return section("Criteria", table(head, rows)) if rows else ""


def figures(card: Card, found: Document) -> str:
    rows = [[label, estimate(found[name])] for name, label in FIGURES.items() if name in found]
    return section(
        "Measured",
        f"On the {found['split']} split ({found['images']} images of {found['lesions']} lesions, {found['bcc_images']} "
        f"images of {found['bcc_lesions']} lesions BCC), which no choice was based on; 95 % bootstrap intervals over "
        "lesions. Command: `python -m ml evaluate --data HAM10000 --structures ISIC2018`.",
        table(
            ["figure", "value and interval"],
            [*rows, ["Images with a quality issue", f"{found['flagged_by_quality']} of {found['images']}"]],
        ),
        "Resampling adds noise to every bin, so the interval of the calibration error is biased upwards.",
    )


def operating_points(card: Card, found: Document) -> str:
    rows = [
        [
            _target(point["target_sensitivity"], card.bcc.default_sensitivity),
            f"{point['threshold']:.3f}",
            estimate(point["sensitivity"]),
            estimate(point["specificity"]),
        ]
        for point in found["operating_points"]
    ]
    return section(
        "Operating points",
        "Thresholds on the calibrated P(BCC), chosen on validation for a target sensitivity, measured on test.",
        table(["target sensitivity", "threshold", "sensitivity", "specificity"], rows),
    )


def _target(sensitivity: float, default: float) -> str:
    return f"{sensitivity:.2f}{' (default)' if sensitivity == default else ''}"


def patterns(card: Card, found: Document) -> str:
    if not card.patterns or "phantoms" not in found:
        return ""
    rows = [
        [
            target.label,
            f"{target.threshold:.3f}",
            estimate(found.get("pigment_network", {}).get("auc")) if target.code == Pattern.PN else "no labels exist",
            *(estimate(found[key]["patterns"].get(target.code, {}).get("auc")) for key in ("phantoms", "grafts")),
        ]
        for target in card.targets[1:]
    ]
    choices = [f"Thresholds of the six: {choice}." for choice in sorted({t.choice for t in card.targets if t.choice})]
    head = ["pattern", "threshold", "expert labels", "new phantoms", "drawn on photographs"]
    return section(
        "Patterns",
        " ".join(
            [
                "Real images taught the model that a BCC shows one of the six; drawings alone taught it *which* one.",
                *choices,
                "Area under the ROC curve:",
            ]
        ),
        table(head, rows),
        *_rule(found),
    )


def _rule(found: Document) -> list[str]:
    if "rule" not in found:
        return []
    rule, names = found["rule"], {"any_of_six": "one of the six", "network": "network", "rule_right": "rule right"}
    rows = [
        [f"all: {name}", estimate(rule[f"{key}_in_bcc"]), estimate(rule[f"{key}_in_non_bcc"])]
        for key, name in names.items()
    ]
    each = [
        [Pattern(code).label, f"{share:.3f}", f"{rule['found_in_non_bcc'][code]:.3f}"]
        for code, share in rule["found_in_bcc"].items()
    ]
    return ["Found in real images:", table(["", "BCC", "not BCC"], [*rows, *each])]


def coding(card: Card, found: Document) -> str:
    if "coding" not in found:
        return ""
    rows = [[name, estimate(figure)] for name, figure in found["coding"]["correct"].items()]
    return section(
        "No pattern, pigment network, or a BCC pattern",
        "The paper's coding, on real images where the truth is known: the BCC of HAM10000, and the experts' marks in "
        "ISIC 2018 Task 2.",
        table(["what the image shows", "predicted correctly"], rows),
    )


def section(title: str, *parts: str) -> str:
    return "\n\n".join([f"## {title}", *parts])
