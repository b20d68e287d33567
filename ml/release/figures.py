"""The card's own figures: what the folds' graphs reach on pictures that they held out, source by source."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ml.card import Gate, Target
from ml.data.collections import HAM, MILK
from ml.data.diagnoses import DIAGNOSES
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.outputs import Outputs
from ml.evaluation.pattern_heads import PATTERNS, any_of_six, mean_correlation
from ml.patterns import BCC_PATTERNS, Lesion
from ml.release.gate import sent_to_a_person
from ml.release.patterns import any_called, scores_of
from ml.release.sources import TASK2, Sources


def figures(found: Outputs, targets: Mapping[str, Target], gate: Gate, sources: Sources) -> dict[str, Any]:
    return {
        "collections": {name: _collection(found.from_sources(name)) for name in (HAM, MILK)},
        "sent_to_a_person": sent_to_a_person(gate, found.of(found.source != TASK2)),
        "patterns": _patterns(found, dict(targets), sources),
    }


def _collection(found: Outputs) -> dict[str, Any]:
    bootstrap, kinds = Bootstrap(found.group), np.array([DIAGNOSES.index(kind) for kind in found.diagnosis])
    guesses, present = found.lesion_logits.argmax(axis=1), found.shows(Lesion.BCC)
    return {
        "images": len(found.name),
        "lesions": len(set(found.group.tolist())),
        "bcc_images": int(present.sum()),
        "bcc_lesions": len(set(found.group[present].tolist())),
        "bcc_auc": bootstrap.interval(metrics.roc_auc, found.logits("BCC"), present),
        "lesion_accuracy": bootstrap.interval(metrics.share, guesses == kinds, np.ones(len(kinds), np.bool_)),
    }


def _patterns(found: Outputs, targets: dict[str, Target], sources: Sources) -> dict[str, Any]:
    scores = scores_of(found, sources)
    called = np.zeros_like(scores.present)
    for column, pattern in enumerate(PATTERNS):
        target = targets[pattern.value]
        called[:, column] = target.probability(scores.scores[:, column]) >= target.present_from
    naevi = {name: found.from_sources(name) for name in (HAM, MILK)}
    naevi = {name: each.of(each.shows(Lesion.NV)) for name, each in naevi.items()}
    return {
        "read_images": len(scores.present),
        "read_bcc": int(scores.bcc.sum()),
        "one_that_was_read_is_called_in_bcc": any_of_six(scores, called)["right"],
        "any_of_six_called_in_naevi": {
            name: float(any_called(targets, each).mean()) for name, each in naevi.items() if len(each.name)
        },
        "mean_correlation_of_the_six_within_bcc": mean_correlation(scores),
        "told_apart": [pattern.value for pattern in BCC_PATTERNS if targets[pattern.value].told_apart],
    }
