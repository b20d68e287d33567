"""What was measured of a bundle, as sections of Markdown for its model card; empty where it was not measured."""

from collections.abc import Mapping, Sequence
from typing import Any

from ml.card import Card
from ml.evaluation.criteria import words
from ml.evaluation.subgroups import FEWEST_BCC
from ml.patterns import Pattern
from ml.report.parts import estimate

Document = Mapping[str, Any]
_FIGURES = {
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
    return _section("Criteria", table(["criterion", "value", "95 % interval", "bar", "outcome"], rows)) if rows else ""


def figures(card: Card, found: Document) -> str:
    rows = [[label, estimate(found[name])] for name, label in _FIGURES.items() if name in found]
    return _section(
        "Measured",
        f"On the {found['split']} split ({found['images']} images of {found['lesions']} lesions, {found['bcc_images']} "
        f"images of {found['bcc_lesions']} lesions BCC), never used for a choice; 95 % bootstrap intervals over "
        "lesions. Command: `python -m ml evaluate --data HAM10000 --structures ISIC2018`.",
        table(
            ["figure", "value and interval"],
            [*rows, ["Images with a quality issue", f"{found['flagged_by_quality']} of {found['images']}"]],
        ),
        "Resampling adds noise to every bin, so the interval of the calibration error lies high.",
    )


def operating_points(card: Card, found: Document) -> str:
    rows = [
        [
            f"{point['wanted']:.2f}{' (default)' if point['wanted'] == card.bcc.default_sensitivity else ''}",
            f"{point['threshold']:.3f}",
            estimate(point["sensitivity"]),
            estimate(point["specificity"]),
        ]
        for point in found["operating_points"]
    ]
    return _section(
        "Operating points",
        "Thresholds on the calibrated P(BCC), chosen on validation for a wanted sensitivity, measured on test.",
        table(["wanted sensitivity", "threshold", "sensitivity", "specificity"], rows),
    )


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
    head = ["pattern", "threshold", "experts' labels", "unseen phantoms", "drawn on photographs"]
    return _section(
        "Patterns",
        " ".join(
            [
                "That one of the six is found in a BCC was trained for on real images; *which* one was learnt from "
                "drawings alone.",
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
    return _section(
        "No pattern, pigment network, or a BCC pattern",
        "The paper's coding on real images where it is known: BCC of HAM10000, and what the experts of ISIC 2018 Task "
        "2 marked.",
        table(["what the image shows", "answered so"], rows),
    )


def heatmaps(card: Card, found: Document) -> str:
    if not found.get("alignment"):
        return ""
    rows = [
        [name, row["images"], estimate(row["ratio"], 2), f"{row['intersection']:.2f}", _or_none(row["cohens_d"])]
        for name, row in found["alignment"].items()
    ]
    head = ["target, masks", "images", "mean inside / mean outside", "intersection of densities", "Cohen's d"]
    return _section("Heatmaps", "Normalised Grad-CAM inside and outside the masks.", table(head, rows))


def subgroups(card: Card, found: Document) -> str:
    if not found.get("subgroups"):
        return ""
    rows = [
        [
            f"{way}: {group['group']}",
            f"{group['bcc_images']} of {group['images']}",
            *(estimate(group["figures"][name]) for name in ("auc", "recall", "specificity")),
        ]
        for way, groups in found["subgroups"].items()
        for group in groups
        if group["figures"]
    ]
    few = [
        f"{way} {group['group']} ({group['bcc_images']} of {group['images']})"
        for way, groups in found["subgroups"].items()
        for group in groups
        if not group["figures"]
    ]
    return _section(
        "Subgroups",
        "BCC at the shipped threshold. Skin tone: individual typology angle of the skin around the lesion: an "
        "estimate.",
        table(["subgroup", "BCC images", "area under the ROC curve", "recall", "specificity"], rows),
        *([f"Too few, below {FEWEST_BCC} images of BCC: {', '.join(few)}."] if few else []),
    )


def other_clinics(card: Card, found: Document) -> str:
    clinics = found.get("other_clinics")
    if not clinics:
        return ""
    rows = [[label, estimate(found[name]), estimate(clinics[name])] for name, label in _FIGURES.items()]
    return _section(
        "Other clinics",
        f"{clinics['images']} images of {clinics['lesions']} lesions, {clinics['bcc_images']} images of BCC, at 84 × "
        "84 pixels: a fall is the clinic's or the resolution's.",
        table(["figure", "HAM10000", "other clinics"], rows),
    )


def abstention(card: Card, found: Document) -> str:
    if card.novelty is None or "abstention" not in found:
        return ""
    shares = found["abstention"]
    rows = [
        ["Held-out HAM10000 images called unfamiliar", estimate(shares["real_unfamiliar"])],
        ["… of the BCC among them", estimate(shares["real_unfamiliar_bcc"])],
        ["Held-out images with any reason for a person", estimate(shares["real_any_reason"])],
    ]
    strangers = ", ".join(f"{kind} {sent} of {count}" for kind, (sent, count) in shares["strangers"].items())
    sent, count = shares["strangers_total"]
    return _section(
        "Abstention",
        f"Distance from the known images: {card.novelty.method}.",
        table(["figure", "value and interval"], rows),
        f"Pictures that are not dermoscopy, sent to a person by quality or distance: {sent} of {count} ({strangers}).",
    )


def _section(title: str, *parts: str) -> str:
    return "\n\n".join([f"## {title}", *parts])


def _or_none(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"
