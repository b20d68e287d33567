"""The parts of the document on diagnosis: malignant types, lesion types, subgroups; and the gate."""

from typing import Any

from ml.data.task2 import Isic2018Task2
from ml.evaluation.diagnosis import at_shipped_points
from ml.evaluation.diagnosis import diagnosis as by_collection
from ml.evaluation.gate import gate as sent
from ml.evaluation.lesion_types import lesion_types as by_type
from ml.evaluation.out_of_fold import over_folds
from ml.evaluation.subgroups import subgroups as by_subgroup
from ml.evaluation.table_3_out_of_fold import spread
from ml.patterns import Lesion
from ml.report.curves import precision_recall, reliability, roc
from ml.report.evidence import OF_THE_OTHERS, SHIPPED, Evidence

Part = dict[str, Any]


def diagnosis(known: Evidence) -> Part:
    tables = {views: by_collection(found, known.meant.get(views, {})) for views, found in known.found.items()}
    folds = {
        collection: {figure: spread(values) for figure, values in rows.items()}
        for collection, rows in over_folds(known.judged).items()
    }
    return {
        "diagnosis": tables[known.views],
        "other_views": {str(views): table for views, table in tables.items() if views != known.views},
        "over_folds": folds,
        "shipped": at_shipped_points(known.judged, known.card) if known.card else {},
        "curves": _curves(known),
    }


def _curves(known: Evidence) -> Part:
    finding = known.judged.finding(Lesion.BCC)
    meant = known.meant.get(known.views, {}).get(Lesion.BCC)
    drawn: Part = {}
    for name, rows in finding.by_collection().items():
        scores, labels = finding.scores[rows], finding.present[rows]
        drawn[name] = {"roc": roc(scores, labels), "precision_recall": precision_recall(scores, labels)}
        if meant is not None:
            drawn[name]["reliability"] = reliability(meant[rows], labels)
    return drawn


def gate(known: Evidence) -> Part:
    if known.outputs is None:
        return {"gate": {}}
    # The experts' images have no promise of their own: nearly all are HAM10000's under the same names.
    found = known.outputs.of(known.outputs.source != Isic2018Task2.name)
    sources = sent(found, known.card.gate.threshold if known.card else None)
    return {"gate": {"point": SHIPPED if known.card else OF_THE_OTHERS, "sources": sources}}


def lesion_types(known: Evidence) -> Part:
    return {"lesion_types": by_type(known.judged)}


def subgroups(known: Evidence) -> Part:
    records = [known.items[image].record for image in known.judged.image_id.tolist()]
    return {"subgroups": by_subgroup(known.judged.finding(Lesion.BCC), records, known.tones, known.above)}
