"""The sections on BCC and lesion type."""

from collections.abc import Sequence

from ml.charts import Series, chart, matrix
from ml.evaluation.criteria import words
from ml.report.parts import Document, estimate, paragraph, section, table


def criteria(document: Document) -> str:
    rows = [[row["name"], *words(row)] for row in document.get("criteria", [])]
    if not rows:
        return ""
    return section("Criteria", table(["Criterion", "Value", "Interval", "Required", "Outcome"], rows))


def curves(document: Document) -> str:
    found = document["curves"]
    clinics = document.get("other_clinics")
    lines = [Series("BCC, HAM10000", found["roc"]["x"], found["roc"]["y"])]
    if clinics:
        lines.append(Series("BCC, other clinics", clinics["roc"]["x"], clinics["roc"]["y"]))
    if "network_roc" in found:
        lines.append(Series("pigment network, expert labels", found["network_roc"]["x"], found["network_roc"]["y"]))
    roc = chart("ROC curve", "1 − specificity", "sensitivity", lines, diagonal=True)
    drawn = found["precision_recall"]
    lines = [Series("BCC, HAM10000", drawn["x"], drawn["y"]), Series("by chance", [0, 1], [drawn["prevalence"]] * 2)]
    precision = chart("Precision and recall", "recall (sensitivity)", "precision", lines)
    return (
        section("ROC curve", roc, table(["BCC: sensitivity at least", "Specificity"], found["roc"]["at"]))
        + section("Precision and recall", precision, table(["Recall at least", "Precision"], drawn["at"]))
        + _reliability(document, found["reliability"])
    )


def _reliability(document: Document, bins: Sequence[Document]) -> str:
    line = Series("BCC", [b["mean"] for b in bins], [b["observed"] for b in bins], dots=True)
    drawing = chart("Reliability", "mean probability given", "observed frequency", [line], diagonal=True)
    rows = [[f"{b['low']:.1f} to {b['high']:.1f}", b["mean"], b["observed"], b["images"]] for b in bins]
    error = paragraph(f"Expected calibration error, fifteen bins: {estimate(document['ece'])}.")
    return section("Reliability", error, drawing, table(["Probability", "Mean", "Observed", "Images"], rows))


def operating_points(document: Document) -> str:
    rows = [
        [
            f"{point['target_sensitivity']:.2f}",
            point["threshold"],
            *(estimate(point[name]) for name in ("sensitivity", "specificity")),
        ]
        for point in document["operating_points"]
    ]
    text = "Thresholds on the calibrated probability of BCC, chosen on validation for a target sensitivity."
    head = ["Target sensitivity", "Threshold", "Sensitivity here", "Specificity here"]
    return section("Operating points", paragraph(text), table(head, rows))


def lesion_types(document: Document) -> str:
    found = document["curves"]["confusion"]
    rows = [[name, *row] for name, row in zip(found["names"], found["rows"], strict=True)]
    drawing = matrix("Lesion types: truth and prediction", found["names"], found["rows"])
    text = f"Accuracy {estimate(document['lesion_accuracy'])}, macro F1 {estimate(document['lesion_macro_f1'])}."
    return section("Lesion types", paragraph(text), drawing, table(["Truth", *found["names"]], rows))
