"""The sections on subgroups, other clinics, heatmaps, abstention and backbones."""

from collections.abc import Mapping
from html import escape
from typing import Final

from ml.charts import Estimated, chart, forest, steps
from ml.evaluation.subgroups import FEWEST_BCC
from ml.report.parts import Document, estimate, paragraph, section, table

_MOMENTS: Final = {
    "images": "Images",
    "skipped": "Left out",
    "mean_inside": "Mean in",
    "sd_inside": "SD in",
    "mean_outside": "Mean out",
    "sd_outside": "SD out",
    "intersection": "Intersection",
}
_TESTS: Final = {
    "energy_inside": "Energy in",
    "energy_outside": "Energy out",
    "cohens_d": "Cohen's d",
    "p": "p",
    "p_bonferroni": "p (Bonferroni)",
    "p_benjamini_hochberg": "p (Benjamini–Hochberg)",
}


def subgroups(document: Document) -> str:
    found = document.get("subgroups")
    if not found:
        return ""
    text = (
        f"BCC on HAM10000 at the shipped threshold. Too few: fewer than {FEWEST_BCC} images of BCC. Skin tone is the "
        "individual typology angle of the skin around the lesion, an estimate from an uncalibrated photograph."
    )
    parts = [paragraph(text)]
    for way, groups in found.items():
        head = [way.capitalize(), "Images", "Lesions", "BCC images", "ROC-AUC", "Recall", "Specificity"]
        rows = [
            [group["group"], group["images"], group["lesions"], group["bcc_images"], *_figures(group["figures"])]
            for group in groups
        ]
        drawn = [Estimated(g["group"], **g["figures"]["auc"]) for g in groups if g["figures"]]
        drawing = forest(f"Area under the ROC curve by {way}", "area under the ROC curve", drawn) if drawn else ""
        parts.append(f"<h3>By {escape(way)}</h3>{drawing}{table(head, rows)}")
    return section("Subgroups", *parts)


def _figures(figures: Document | None) -> list[str]:
    if figures is None:
        return ["too few"] * 3
    return [estimate(figures[name]) for name in ("auc", "recall", "specificity")]


def other_clinics(document: Document) -> str:
    found = document.get("other_clinics")
    if not found:
        return ""
    rows = [
        [name, estimate(document[key]), estimate(found[key])]
        for key, name in {
            "auc": "BCC: area under the ROC curve",
            "average_precision": "BCC: average precision",
            "specificity_at": "BCC: specificity where the ROC curve reaches sensitivity 0.95",
            "recall": "BCC: recall at the shipped threshold",
            "specificity": "BCC: specificity at the shipped threshold",
            "ece": "BCC: expected calibration error",
            "lesion_accuracy": "Lesion type: accuracy",
            "lesion_macro_f1": "Lesion type: macro F1",
        }.items()
    ]
    text = (
        f"{found['images']} images of {found['lesions']} lesions from other clinics, {found['bcc_images']} of BCC, "
        "at 84 × 84 pixels: fine structures are gone, so a fall has two causes, the clinic and the resolution. Average "
        "precision also depends on how common BCC is in each set."
    )
    return section("Other clinics", paragraph(text), table(["Figure", "HAM10000", "Other clinics"], rows))


def heatmaps(document: Document) -> str:
    found: Mapping[str, Document] = document.get("alignment", {})
    if not found:
        return ""
    moments = [[name, estimate(row["ratio"], 2), *(row[key] for key in _MOMENTS)] for name, row in found.items()]
    tests = [[name, *(row[key] for key in _TESTS)] for name, row in found.items()]
    text = (
        "Grad-CAM, normalised by its own maximum, on every image that truly shows the target. Energy is the mean "
        "squared value of an image; Wilcoxon's signed-rank test compares it inside and outside, over images. Left out: "
        "images without a map, or whose mask covers nothing or everything."
    )
    return section(
        "Heatmaps inside and outside the masks (Table 4)",
        paragraph(text),
        table(["Target, masks", "Mean in / mean out", *_MOMENTS.values()], moments),
        table(["Target, masks", *_TESTS.values()], tests),
        *(_densities(name, row) for name, row in found.items()),
    )


def _densities(name: str, row: Document) -> str:
    """Most of a map is nearly zero: the first bin is cut off at the height of the others, and said in words."""
    inside, outside = row["inside"], row["outside"]
    highest = max(*inside[1:], *outside[1:]) or 1.0
    lines = [
        steps(label, [min(density, highest) for density in densities])
        for label, densities in (("inside the mask", inside), ("outside", outside))
    ]
    drawing = chart(f"Densities of {name}", "normalised Grad-CAM", "density", lines, y_max=highest)
    first = (f"{density / len(inside):.0%}" for density in (inside[0], outside[0]))
    text = "Below {:g}, cut off in the drawing: {} of what lies inside, {} outside.".format(1 / len(inside), *first)
    return f"<h3>{escape(name)}</h3>{drawing}{paragraph(text)}"


def abstention(document: Document) -> str:
    found = document.get("abstention")
    if not found:
        return ""
    figures = [
        ["Held-out images called unfamiliar", estimate(found["real_unfamiliar"])],
        ["… of the BCC among them", estimate(found["real_unfamiliar_bcc"])],
        ["Held-out images with any reason for a person", estimate(found["real_any_reason"])],
    ]
    sent = [[kind, f"{count} of {images}"] for kind, (count, images) in found["strangers"].items()]
    return section(
        "Abstention",
        table(["Share", "Value"], figures),
        table(["Pictures that are not dermoscopy", "Sent to a person"], sent),
    )


def backbones(document: Document) -> str:
    rows = document.get("backbones")
    if not rows:
        return ""
    head = ["Backbone", "Parameters", "GMac", "Latency, ms", "BCC: ROC-AUC", "BCC: average precision"]
    body = [
        [row["label"], row["parameters"], row["gmacs"], row["latency_ms"], *_accuracy(row["accuracy"])] for row in rows
    ]
    return section("Backbones (Table 5)", table(head, body))


def _accuracy(accuracy: str | Document) -> list[object]:
    """Figures of a backbone that was trained here; the words that say so of one that was not."""
    if isinstance(accuracy, str):
        return [accuracy, accuracy]
    return [accuracy[name]["value"] if name in accuracy else None for name in ("auc", "average_precision")]
