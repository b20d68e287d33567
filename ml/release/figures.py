"""The card's own figures: what the folds' graphs reach on pictures that they held out, source by source."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ml.card import BCC, Gate, Target
from ml.data.collections import HAM, MARKED, MILK
from ml.evaluation import metrics
from ml.evaluation.bootstrap import Bootstrap
from ml.evaluation.gate import gate as sent_to_a_person
from ml.evaluation.outputs import Outputs
from ml.evaluation.pattern_heads import any_of_six, mean_correlation
from ml.patterns import LESIONS, Lesion
from ml.release.patterns import ReadScores, called
from ml.release.sources import Sources


def counts(found: Outputs) -> dict[str, dict[str, int]]:
    """Collection → images and lesions, of all and of BCC."""
    return {name: _count(found.from_sources(name)) for name in sorted(set(found.source.tolist()))}


def _count(found: Outputs) -> dict[str, int]:
    bcc = found.of(found.shows(Lesion.BCC))
    return {
        "images": len(found.name),
        "lesions": len(set(found.group.tolist())),
        "bcc_images": len(bcc.name),
        "bcc_lesions": len(set(bcc.group.tolist())),
    }


def figures(found: Outputs, targets: Mapping[str, Target], gate: Gate, sources: Sources) -> dict[str, Any]:
    return {
        "diagnosis": {name: _diagnosis(found.from_sources(name)) for name in (HAM, MILK)},
        "sent_to_a_person": sent_to_a_person(found.of(found.source != MARKED), gate.threshold),
        "patterns": _patterns(found, targets, sources),
    }


def _diagnosis(found: Outputs) -> dict[str, Any]:
    bootstrap, kinds = Bootstrap(found.group), np.array([LESIONS.index(kind) for kind in found.diagnosis])
    guesses = found.lesion_logits.argmax(axis=1)
    return {
        "bcc_auc": bootstrap.interval(metrics.roc_auc, found.logits(BCC), found.shows(Lesion.BCC)),
        "lesion_accuracy": bootstrap.interval(metrics.share, guesses == kinds, np.ones(len(kinds), np.bool_)),
    }


def _patterns(found: Outputs, targets: Mapping[str, Target], sources: Sources) -> dict[str, Any]:
    scores = ReadScores.of(found, sources)
    return {
        "read_images": int(scores.read.sum()),
        "read_bcc": int(scores.found.bcc.sum()),
        "one_of_six": any_of_six(scores.found, called(targets, scores.found.scores)),
        "mean_correlation": mean_correlation(scores.found),
    }
