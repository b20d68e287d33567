"""The part of the document on maps: beside readers' cells, lesion masks and experts' masks, and Table 4."""

from typing import Any

import numpy as np
from scipy.special import expit

from ml.card import BCC
from ml.data.collections import HAM, MILK
from ml.data.task2 import Isic2018Task2
from ml.evaluation.cells import GRID
from ml.evaluation.maps import (
    EXPERTS,
    LESIONS,
    READERS,
    OnCells,
    OnMasks,
    beside_readers,
    from_cells,
    inside_lesions,
    served,
    table_4,
    targets,
)
from ml.evaluation.metrics import Flags, Floats
from ml.evaluation.pattern_heads import PATTERNS
from ml.evaluation.pattern_scores import FoldScores
from ml.evaluation.read_images import ReadImages, above_points
from ml.patterns import Lesion, Pattern
from ml.report.evidence import Evidence

Part = dict[str, Any]


def maps(known: Evidence) -> Part:
    read = known.patterns
    if read is None:
        return {"maps": {}, "table_4": {}}
    shown = _shown(read, known)
    rows = {f"{code}, {READERS}": each.on_masks() for code, each in shown.items()}
    on_lesions = _on_lesions(read, known)
    rows |= {f"{BCC}, {LESIONS}": on_lesions, **_on_experts_masks(known)}
    return {
        "maps": {
            "served": known.outputs is not None,
            "readers": beside_readers(shown),
            "lesions": inside_lesions(on_lesions),
        },
        "table_4": table_4(rows),
    }


def _maps(read: ReadImages, rows: Flags, known: Evidence) -> dict[str, Floats]:
    if known.outputs is not None:
        dermoscopic = known.outputs.from_sources(HAM, MILK)
        return served(dermoscopic, read.scores.image_id[rows].tolist())
    return from_cells(read.scores.cells[rows])


def _shown(read: ReadImages, known: Evidence) -> dict[str, OnCells]:
    """The read images that truly show each target."""
    rows, found = read.read, read.found
    shown = {BCC: found.bcc[rows]} | {p.value: found.present[rows, k] for k, p in enumerate(PATTERNS)}
    called: dict[str, Flags] = {}
    if known.card:
        chosen = above_points(known.card, found.scores[rows]) >= 0
        called = {p.value: chosen[:, k] for k, p in enumerate(PATTERNS)}
    above = known.above
    if above is not None:
        suspected = dict(zip(known.judged.image_id.tolist(), (above >= 0).tolist(), strict=True))
        called[BCC] = np.array([suspected[image] for image in read.scores.image_id[rows].tolist()])
    return targets(_maps(read, rows, known), read.named[rows], shown, found.group[rows], called)


def _on_lesions(read: ReadImages, known: Evidence) -> OnMasks:
    """Every BCC of HAM10000, which has masks of its lesions; read or not."""
    items = [known.items[image] for image in read.scores.image_id.tolist()]
    rows: Flags = np.array([item.diagnosis is Lesion.BCC and item.collection == HAM for item in items])
    masks = [known.lesion_mask(item.record) for item, row in zip(items, rows, strict=True) if row]
    return OnMasks(list(zip(_maps(read, rows, known)[BCC], masks, strict=True)), read.found.group[rows])


def _on_experts_masks(known: Evidence) -> dict[str, OnMasks]:
    """Pigment network where experts marked it."""
    data, found = known.structures, known.structure_scores
    if data is None or found is None:
        return {}
    records = {record.image_id: record for record in data.records}
    part = found.of(np.array([data.pigment_network(records[image]) for image in found.image_id.tolist()]))
    images = [records[image] for image in part.image_id.tolist()]
    target = known.card.target(Pattern.PN) if known.card else None
    called = target.probability(part.scores) >= target.present_from if target else None
    pairs = [(cells, data.network_mask(record)) for cells, record in zip(_of_network(part, known), images, strict=True)]
    return {f"PN, {EXPERTS}": OnMasks(pairs, np.array([record.group for record in images]), called)}


def _of_network(part: FoldScores, known: Evidence) -> Floats:
    if known.outputs is not None:
        marked = known.outputs.of(known.outputs.source == Isic2018Task2.name)
        return served(marked, part.image_id.tolist())[Pattern.PN]
    cells: Floats = expit(part.cells).reshape(-1, GRID, GRID)
    return cells
