"""Whom the model serves less well: every subgroup with how many it is measured on."""

from itertools import groupby

from ml.charts import Estimated, forest
from ml.evaluation.subgroups import FEWEST_BCC
from ml.report.parts import Document, Drawing, Section, Table


def subgroups(document: Document) -> Section | None:
    found = document.get("subgroups")
    if not found:
        return None
    text = (
        f"BCC; called from: {document.get('point') or 'no point'}. Too few: fewer than {FEWEST_BCC} images of BCC. The "
        "skin tone class is MILK10k's own, from 0 very dark to 5 very light; HAM10000 publishes none."
    )
    blocks: list[str | Table | Drawing] = [text]
    for (collection, way), rows in groupby(found, key=lambda row: (row["collection"], row["way"])):
        groups = list(rows)
        head = [f"{collection}, {way}", "Images", "Lesions", "BCC images", "ROC-AUC", "Sensitivity", "Specificity"]
        drawn = [Estimated(g["group"], **g["figures"]["auc"]) for g in groups if _auc(g) is not None]
        if len(drawn) > 1:
            title = f"{collection}: area under the ROC curve by {way}"
            blocks.append(Drawing(forest(title, "area under the ROC curve", drawn)))
        counted = [[g["group"], g["images"], g["lesions"], g["bcc_images"], *_figures(g["figures"])] for g in groups]
        blocks.append(Table(head, counted))
    return Section("Subgroups", blocks)


def _auc(group: Document) -> float | None:
    return group["figures"]["auc"]["value"] if group["figures"] else None


def _figures(figures: Document | None) -> list[object]:
    if figures is None:
        return ["too few"] * 3
    return [figures.get(name) for name in ("auc", "sensitivity", "specificity")]
