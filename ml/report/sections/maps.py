"""Where the maps lie, and Table 4 of Matas et al., arXiv 2407.00104: densities, tests and effect sizes."""

from collections.abc import Mapping
from typing import Final

from ml.charts import chart, steps
from ml.report.parts import Document, Drawing, Section, Table, cell, estimate

_MAPS: Final = {
    True: "The energy of the served maps in 4 × 4 cells",
    False: "What the pattern heads say of 4 × 4 cells",
}
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
    "z": "z",
    "p": "p",
    "p_bonferroni": "p (Bonferroni)",
    "p_benjamini_hochberg": "p (Benjamini–Hochberg)",
}


def maps(document: Document) -> Section | None:
    found = document.get("maps")
    if not found:
        return None
    rows = [[code, row["images"], row["ratio"], row["missed"], row["inside"]] for code, row in found["readers"].items()]
    head = ["Map of", "Images", "Inside over outside", "Strongest cell that nobody marked", "Energy inside"]
    lesions = found["lesions"]
    return Section(
        "Maps",
        [
            f"{_MAPS[found['served']]}, of images that truly show the target, out of fold, beside the cells that at "
            "least half of an image's readers named (weak labels). BCC's map is the highest of the six.",
            Table(head, rows),
            f"Of the BCC maps' energy {cell(lesions['inside'])} lies inside the lesion, on {lesions['images']} images "
            f"of HAM10000; the lesions cover {cell(lesions['area'])} of the square.",
        ],
    )


def table_4(document: Document) -> Section | None:
    found: Mapping[str, Document] = document.get("table_4", {})
    if not found:
        return None
    moments = [[name, estimate(row["ratio"], 2), *(row[key] for key in _MOMENTS)] for name, row in found.items()]
    tests = [[name, *(row[key] for key in _TESTS)] for name, row in found.items()]
    calls = [[name, *_calls(row["calls"])] for name, row in found.items() if row["calls"]]
    text = (
        "Each map divided by its own maximum, on every image that truly shows the target. Energy is the mean squared "
        "value over an image; a z-test over lesions compares it inside and outside the mask. Left out: images without "
        "a map, or with a mask that covers nothing or everything."
    )
    head = ["Target, masks", "Lesions, correct", "Energy in − out", "Incorrect", "Energy in − out", "z", "p"]
    return Section(
        "Maps inside and outside the masks (Table 4)",
        [
            text,
            Table(["Target, masks", "Mean in / mean out", *_MOMENTS.values()], moments),
            Table(["Target, masks", *_TESTS.values()], tests),
            *([Table(head, calls)] if calls else []),
            *(Drawing(_densities(name, row)) for name, row in found.items()),
        ],
    )


def _calls(row: Document) -> list[object]:
    sides = [row[side][key] for side in ("correct", "incorrect") for key in ("lesions", "difference")]
    return [*sides, row["z"], row["p"]]


def _densities(name: str, row: Document) -> str:
    """Where most of a map is near zero, the first bin is cut off at the height of the others."""
    inside, outside = row["inside"], row["outside"]
    highest = max(*inside[1:], *outside[1:]) or 1.0
    lines = [
        steps(label, [min(density, highest) for density in densities])
        for label, densities in (("inside the mask", inside), ("outside", outside))
    ]
    return chart(f"Densities of {name}", "map over its maximum", "density", lines, y_max=highest)
