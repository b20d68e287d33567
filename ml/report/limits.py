"""Where the model may do worse: subgroups, other clinics, images that are out of distribution."""

from html import escape

from ml.charts import Estimated, forest
from ml.evaluation.subgroups import FEWEST_BCC
from ml.report.parts import Document, estimate, paragraph, section, table


def subgroups(document: Document) -> str:
    found = document.get("subgroups")
    if not found:
        return ""
    text = (
        f"BCC on HAM10000 at the shipped threshold. Too few: fewer than {FEWEST_BCC} images of BCC. Skin tone is the "
        "individual typology angle of the skin around the lesion, estimated from an uncalibrated photograph."
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
        "at 84 × 84 pixels. Fine structures are lost at this size, so a drop may come from the clinic or from the "
        "resolution. Average precision also depends on how common BCC is in each set."
    )
    return section("Other clinics", paragraph(text), table(["Figure", "HAM10000", "Other clinics"], rows))


def abstention(document: Document) -> str:
    found = document.get("abstention")
    if not found:
        return ""
    figures = [
        ["Held-out images judged out of distribution", estimate(found["real_unfamiliar"])],
        ["… of those with BCC", estimate(found["real_unfamiliar_bcc"])],
        ["Held-out images sent to a person for any reason", estimate(found["real_any_reason"])],
    ]
    sent = [[kind, f"{count} of {images}"] for kind, (count, images) in found["out_of_distribution"].items()]
    return section(
        "Abstention",
        table(["Share", "Value"], figures),
        table(["Images that are not dermoscopy", "Sent to a person"], sent),
    )
