"""The report as one HTML file that needs nothing else: no script, no network, readable in print."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Final

from ml.report.svg import Series, chart, matrix, steps

Document = Mapping[str, Any]
_STYLE: Final = (
    "body{font:16px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#111;background:#fff}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{border:1px solid #767676;padding:.25rem .6rem;text-align:right}"
    "th:first-child,td:first-child{text-align:left}.notice{border-left:4px solid #d55e00;padding-left:1rem}"
    "svg{max-width:100%;height:auto}"
)
_NAMES: Final = {
    "auc": "Area under the ROC curve",
    "average_precision": "Average precision",
    "ece": "Expected calibration error",
    "lesion_accuracy": "Lesion type: accuracy",
    "lesion_macro_f1": "Lesion type: macro F1",
}


def page(document: Document) -> str:
    """HTML of a document made by `ml.report.document`; parts that it lacks are left out."""
    sections: dict[str, Callable[[Any], str]] = {
        "figures": _figures,
        "roc": _roc,
        "precision_recall": _precision_recall,
        "reliability": _reliability,
        "confusion": _confusion,
        "alignment": _alignment,
        "backbones": _backbones,
    }
    body = "\n".join(section(document[name]) for name, section in sections.items() if document.get(name))
    title = escape(f"Evaluation of {document['bundle']}")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f'</head><body>\n<h1>{title}</h1>\n<p class="notice">{escape(document["notice"])}</p>\n'
        f"<p>Measured on the {escape(document['split'])} split. Written by <code>python -m ml report</code>; the same "
        f"numbers are in report.json beside it.</p>\n{body}\n</body></html>\n"
    )


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Numbers with three decimals, None as "n/a", everything else as its text, escaped."""
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(_cell(value))}</td>" for value in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


def _cell(value: object) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, float):
        return f"{value:.3f}" if value == 0 or abs(value) >= 0.001 else f"{value:.1e}"
    return str(value)


def _figures(figures: Document) -> str:
    rows = [[name, *_interval(figures[key])] for key, name in _NAMES.items() if key in figures]
    for point in figures["operating_points"]:
        where = f"at the threshold {point['threshold']:.3f}, chosen for sensitivity {point['wanted']:.2f}"
        rows.append([f"Sensitivity {where}", *_interval(point["sensitivity"])])
        rows.append([f"Specificity {where}", *_interval(point["specificity"])])
    counted = (
        f"<p>{figures['images']} images of {figures['lesions']} lesions; BCC: {figures['bcc_images']} images of "
        f"{figures['bcc_lesions']} lesions. Intervals: 95 % bootstrap over lesions.</p>"
    )
    return "<h2>Basal cell carcinoma</h2>" + counted + table(["Figure", "Value", "From", "To"], rows)


def _interval(figure: Document) -> list[object]:
    return [figure["value"], figure["low"], figure["high"]]


def _roc(curve: Document) -> str:
    drawing = chart(
        "ROC curve", "1 − specificity", "sensitivity", [Series("BCC", curve["x"], curve["y"])], diagonal=True
    )
    return f"<h2>ROC curve</h2>{drawing}{table(['Sensitivity at least', 'Specificity'], curve['at'])}"


def _precision_recall(curve: Document) -> str:
    lines = [Series("BCC", curve["x"], curve["y"]), Series("by chance", [0, 1], [curve["prevalence"]] * 2)]
    drawing = chart("Precision and recall", "recall (sensitivity)", "precision", lines)
    return f"<h2>Precision and recall</h2>{drawing}{table(['Recall at least', 'Precision'], curve['at'])}"


def _reliability(bins: Sequence[Document]) -> str:
    line = Series("BCC", [b["mean"] for b in bins], [b["observed"] for b in bins], dots=True)
    drawing = chart("Reliability", "mean probability given", "observed frequency", [line], diagonal=True)
    rows = [[f"{b['low']:.1f} to {b['high']:.1f}", b["mean"], b["observed"], b["images"]] for b in bins]
    return f"<h2>Reliability</h2>{drawing}{table(['Probability', 'Mean', 'Observed', 'Images'], rows)}"


def _confusion(found: Document) -> str:
    rows = [[name, *row] for name, row in zip(found["names"], found["rows"], strict=True)]
    drawing = matrix("Lesion types: truth downwards, answers to the right", found["names"], found["rows"])
    return f"<h2>Lesion types</h2>{drawing}{table(['Truth', *found['names']], rows)}"


def _alignment(rows: Mapping[str, Document]) -> str:
    head = ["Target", "Images", "Mean in", "SD in", "Mean out", "SD out", "Intersection", "Cohen's d"]
    keys = ["images", "mean_inside", "sd_inside", "mean_outside", "sd_outside", "intersection", "cohens_d"]
    tests = ["p", "p_bonferroni", "p_benjamini_hochberg"]
    labels = ["p", "p (Bonferroni)", "p (Benjamini–Hochberg)"]
    body = [[name, *(row[key] for key in keys + tests)] for name, row in rows.items()]
    drawings = "".join(_densities(name, row) for name, row in rows.items())
    return f"<h2>Heatmaps inside and outside expert masks</h2>{drawings}{table(head + labels, body)}"


def _densities(name: str, row: Document) -> str:
    lines = [steps("inside the mask", row["inside"]), steps("outside", row["outside"])]
    highest = max(*row["inside"], *row["outside"])
    drawing = chart(f"Densities of {name}", "normalised Grad-CAM", "density", lines, y_max=highest)
    return f"<h3>{escape(name)}</h3>{drawing}"


def _backbones(rows: Sequence[Document]) -> str:
    head = ["Backbone", "Parameters", "GMac", "Latency, ms", "AUC for BCC"]
    body = [
        [row["label"], row["parameters"], row["gmacs"], row["latency_ms"], _accuracy(row["accuracy"])] for row in rows
    ]
    return f"<h2>Backbones</h2>{table(head, body)}"


def _accuracy(accuracy: object) -> object:
    return accuracy["auc"]["value"] if isinstance(accuracy, Mapping) and "auc" in accuracy else accuracy
