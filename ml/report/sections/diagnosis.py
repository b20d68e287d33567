"""The malignant types, collection by collection, and what the shipped points give on each."""

from ml.charts import Series, chart
from ml.report.parts import Document, Drawing, Section, Table


def diagnosis(document: Document) -> Section | None:
    found = document.get("diagnosis")
    if not found:
        return None
    others = document.get("other_views", {})
    views = [_views(document["views"]), *(_views(number) for number in others)]
    rows = [
        [
            collection,
            figure,
            value,
            *(table.get(collection, {}).get(figure) for table in others.values()),
            *_over_folds(document, collection, figure),
        ]
        for collection, figures in found.items()
        for figure, value in figures.items()
    ]
    sizes = [
        [name, *(counts[key] for key in ("images", "lesions", "bcc_images", "bcc_lesions"))]
        for name, counts in document["collections"].items()
    ]
    text = (
        "Every lesion is judged by a network that never saw it. Probabilities are calibrated on the other folds; their "
        "error is over fifteen bins, and its interval is biased upwards."
    )
    head = ["Collection", "Figure", *views, "Mean over folds", "Variance"]
    return Section(
        "Malignant types",
        [text, Table(["Collection", "Images", "Lesions", "BCC images", "BCC lesions"], sizes), Table(head, rows)],
    )


def _views(number: object) -> str:
    return f"{number} view{'' if str(number) == '1' else 's'}"


def _over_folds(document: Document, collection: str, figure: str) -> list[object]:
    spread = document.get("over_folds", {}).get(collection, {}).get(figure, {})
    return [spread.get("mean"), spread.get("variance")]


def shipped(document: Document) -> Section | None:
    found = document.get("shipped")
    if not found:
        return None
    rows = [
        [code, name, row["positives"], row["sensitivity"], row["negatives"], row["specificity"]]
        for code, collections in found.items()
        for name, row in collections.items()
    ]
    text = (
        "The card's calibration and default thresholds on out-of-fold scores. The shipped network learnt from all of "
        "these images, so the folds' networks stand for it; the thresholds were chosen on the same scores."
    )
    head = ["Type", "Collection", "With it", "Sensitivity", "Without it", "Specificity"]
    return Section("At the shipped points", [text, Table(head, rows)])


def curves(document: Document) -> Section | None:
    found = document.get("curves")
    if not found:
        return None
    roc = [Series(f"BCC, {name}", each["roc"]["x"], each["roc"]["y"]) for name, each in found.items()]
    precise = [
        Series(f"BCC, {name}", each["precision_recall"]["x"], each["precision_recall"]["y"])
        for name, each in found.items()
    ]
    binned = {name: each["reliability"] for name, each in found.items() if "reliability" in each}
    drawings = [
        Drawing(chart("ROC curve", "1 − specificity", "sensitivity", roc, diagonal=True)),
        Drawing(chart("Precision and recall", "recall (sensitivity)", "precision", precise)),
    ]
    if binned:
        lines = [
            Series(f"BCC, {name}", [b["mean"] for b in bins], [b["observed"] for b in bins], dots=True)
            for name, bins in binned.items()
        ]
        drawings.append(
            Drawing(chart("Reliability", "mean probability given", "observed frequency", lines, diagonal=True))
        )
    rows = [
        [name, sensitivity, specificity]
        for name, each in found.items()
        for sensitivity, specificity in each["roc"]["at"]
    ]
    return Section("Curves", [*drawings, Table(["Collection", "Sensitivity at least", "Specificity of BCC"], rows)])
