"""Table 4 of Matas et al., arXiv 2407.00104: heatmaps inside and outside the masks, their densities and tests."""

from collections.abc import Mapping
from html import escape
from typing import Final

from ml.charts import chart, steps
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


def heatmaps(document: Document) -> str:
    found: Mapping[str, Document] = document.get("alignment", {})
    if not found:
        return ""
    moments = [[name, estimate(row["ratio"], 2), *(row[key] for key in _MOMENTS)] for name, row in found.items()]
    tests = [[name, *(row[key] for key in _TESTS)] for name, row in found.items()]
    text = (
        "Grad-CAM, normalised by its own maximum, on every image that truly shows the target. Energy is the mean "
        "squared value over an image; Wilcoxon's signed-rank test compares it inside and outside the mask. Left out: "
        "images without a map, or with a mask that covers nothing or everything."
    )
    return section(
        "Heatmaps inside and outside the masks (Table 4)",
        paragraph(text),
        table(["Target, masks", "Mean in / mean out", *_MOMENTS.values()], moments),
        table(["Target, masks", *_TESTS.values()], tests),
        *(_densities(name, row) for name, row in found.items()),
    )


def _densities(name: str, row: Document) -> str:
    """Most of a map is near zero, so the first bin is cut off at the height of the others; the text gives its share."""
    inside, outside = row["inside"], row["outside"]
    highest = max(*inside[1:], *outside[1:]) or 1.0
    lines = [
        steps(label, [min(density, highest) for density in densities])
        for label, densities in (("inside the mask", inside), ("outside", outside))
    ]
    drawing = chart(f"Densities of {name}", "normalised Grad-CAM", "density", lines, y_max=highest)
    first_bin = f"Below {1 / len(inside):g}, cut off in the chart"
    text = f"{first_bin}: {inside[0] / len(inside):.0%} of the values inside, {outside[0] / len(outside):.0%} outside."
    return f"<h3>{escape(name)}</h3>{drawing}{paragraph(text)}"
