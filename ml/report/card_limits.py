"""The model card's sections on where to look and where to doubt: heatmaps, subgroups, other clinics, abstention."""

from ml.card import Card
from ml.evaluation.subgroups import FEWEST_BCC
from ml.report.card_sections import FIGURES, Document, section, table
from ml.report.parts import estimate


def heatmaps(card: Card, found: Document) -> str:
    if not found.get("alignment"):
        return ""
    rows = [
        [name, row["images"], estimate(row["ratio"], 2), f"{row['intersection']:.2f}", _or_none(row["cohens_d"])]
        for name, row in found["alignment"].items()
    ]
    head = ["target, masks", "images", "mean inside / mean outside", "intersection of densities", "Cohen's d"]
    return section(
        "Heatmaps", "Normalised Grad-CAM inside and outside the masks (the paper's Table 4).", table(head, rows)
    )


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
    return section(
        "Subgroups",
        "BCC at the shipped threshold. Skin tone is the individual typology angle of the skin around the lesion, an "
        "estimate.",
        table(["subgroup", "BCC images", "area under the ROC curve", "recall", "specificity"], rows),
        *([f"Too few to measure (under {FEWEST_BCC} images of BCC): {', '.join(few)}."] if few else []),
    )


def other_clinics(card: Card, found: Document) -> str:
    clinics = found.get("other_clinics")
    if not clinics:
        return ""
    rows = [[label, estimate(found[name]), estimate(clinics[name])] for name, label in FIGURES.items()]
    return section(
        "Other clinics",
        f"{clinics['images']} images of {clinics['lesions']} lesions, {clinics['bcc_images']} images of BCC, at 84 × "
        "84 pixels: a drop may come from the clinic or from the resolution.",
        table(["figure", "HAM10000", "other clinics"], rows),
    )


def abstention(card: Card, found: Document) -> str:
    if card.novelty is None or "abstention" not in found:
        return ""
    shares = found["abstention"]
    rows = [
        ["Held-out HAM10000 images judged out of distribution", estimate(shares["real_unfamiliar"])],
        ["… of those with BCC", estimate(shares["real_unfamiliar_bcc"])],
        ["Held-out images sent to a person for any reason", estimate(shares["real_any_reason"])],
    ]
    kinds = ", ".join(f"{kind} {sent} of {count}" for kind, (sent, count) in shares["out_of_distribution"].items())
    sent, count = shares["out_of_distribution_total"]
    return section(
        "Abstention",
        f"Distance from the training images: {card.novelty.method}.",
        table(["figure", "value and interval"], rows),
        f"Images that are not dermoscopy, sent to a person by quality or distance: {sent} of {count} ({kinds}).",
    )


def _or_none(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.2f}"
