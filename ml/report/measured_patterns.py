"""The parts of the document on patterns: within BCC, pigment network, and the rows of Table 3."""

from typing import Any

import numpy as np

from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.out_of_fold import Finding
from ml.evaluation.pattern_heads import PATTERNS, calls, correlation, hits_of_six, within_bcc
from ml.evaluation.read_images import above_points
from ml.evaluation.table_3_out_of_fold import TooFewLesions, margins, row_of
from ml.patterns import BCC_PATTERNS, MALIGNANT, Pattern
from ml.report.evidence import OF_THE_OTHERS, SHIPPED, Evidence

Part = dict[str, Any]


def table_3(known: Evidence) -> Part:
    """Malignant types by collection, the six on the images that were read, pigment network as experts saw it."""
    return {"table_3": [*_of_types(known), *_of_the_six(known), *_of_pigment_network(known)]}


def _of_types(known: Evidence) -> list[Part]:
    rows = []
    for kind in MALIGNANT:
        finding = known.judged.finding(kind)
        try:
            above = margins(finding)
        except TooFewLesions:
            above = None
        for name, here in finding.by_collection().items():
            if finding.present[here].any():
                row = row_of(finding.of(here), None if above is None else above[here])
                point = None if above is None else OF_THE_OTHERS
                rows.append({"finding": kind.upper(), "measured_on": name, "point": point, **row})
    return rows


def _of_the_six(known: Evidence) -> list[Part]:
    read = known.patterns
    if read is None:
        return []
    above = above_points(known.card, read.found.scores[read.read]) if known.card else None
    return [
        {
            "finding": pattern.value,
            "measured_on": "images that were read",
            "point": None if above is None else SHIPPED,
            **row_of(read.finding(pattern), None if above is None else above[:, PATTERNS.index(pattern)]),
        }
        for pattern in BCC_PATTERNS
    ]


def _of_pigment_network(known: Evidence) -> list[Part]:
    marked = _marked(known)
    if marked is None:
        return []
    above = None
    if known.card:
        target = known.card.target(Pattern.PN)
        above = target.probability(marked.scores) - target.present_from
    point = None if above is None else SHIPPED
    return [{"finding": "PN", "measured_on": "experts' labels", "point": point, **row_of(marked, above)}]


def patterns(known: Evidence) -> Part:
    return {"patterns": _within_bcc(known), "pigment_network": _pigment_network(known)}


def _within_bcc(known: Evidence) -> Part:
    read = known.patterns
    if read is None or not read.found.bcc.any():
        return {}
    found, called, counted = read.found, {}, {}
    if known.card:
        chosen = above_points(known.card, found.scores) >= 0
        called, everyone = dict(calls(found, chosen)), Bootstrap(found.group)
        counted = {name: everyone.interval(metrics.share, *hits) for name, hits in hits_of_six(found, chosen).items()}
    return {
        "bcc": int(found.bcc.sum()),
        "naevi": int(found.naevus.sum()),
        "six": {
            pattern.value: {
                "positives": row.positives,
                "kappa": known.kappa[PATTERNS.index(pattern)],
                "auc": row.auc,
                "told_apart": row.told_apart,
                "correlation": row.correlation,
                **called.get(pattern, {}),
            }
            for pattern, row in within_bcc(found).items()
        },
        "mean_correlation": Bootstrap(found.group[found.bcc]).interval(correlation, found),
        "any_of_six": counted,
    }


def _pigment_network(known: Evidence) -> Part:
    marked = _marked(known)
    if marked is None:
        return {}
    return {
        "images": len(marked.present),
        "positives": int(marked.present.sum()),
        "auc": Bootstrap(marked.group).interval(metrics.roc_auc, marked.scores, marked.present),
    }


def _marked(known: Evidence) -> Finding | None:
    """Pigment network as the experts of ISIC 2018 Task 2 saw it."""
    data, found = known.structures, known.structure_scores
    if data is None or found is None:
        return None
    records = {record.image_id: record for record in data.records}
    images = [records[image] for image in found.image_id.tolist()]
    return Finding(
        collection=np.full(len(images), data.name),
        group=np.array([record.group for record in images]),
        fold=found.fold,
        scores=found.scores,
        present=np.array([data.pigment_network(record) for record in images]),
    )
