"""Everything measured about a bundle, as one JSON document: for the report, and for the figures in its card."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ml.card import Card
from ml.data.mixture import Sources
from ml.data.splits import Split
from ml.engine import Engine
from ml.evaluation.abstention import abstention
from ml.evaluation.clinical_rule import by_the_rule, coding
from ml.evaluation.criteria import judge
from ml.evaluation.diagnosis import measure
from ml.evaluation.held_out import HeldOut, predict_held_out
from ml.evaluation.predictions import Predictions
from ml.evaluation.subgroups import skin_tones, subgroups
from ml.evaluation.table_3 import on_drawings, on_expert_labels
from ml.evaluation.table_4 import heatmaps
from ml.patterns import Pattern
from ml.report.curves import confusion, precision_recall, reliability, roc

DRAWINGS: Final = 400
# A card keeps no curves, densities, confusion counts or subgroups.
_ONLY_IN_THE_REPORT: Final = {
    "bundle",
    "notice",
    "curves",
    "confusion",
    "subgroups",
    "alignment",
    "criteria",
    "backbones",
    "roc",
}


def document(
    engine: Engine,
    sources: Sources,
    split: Split,
    drawings: int = DRAWINGS,
    backbones: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Figures and curves of one bundle, on one split of every source.

    `drawings`: the number of new phantoms, and of grafts; 0 leaves both out. `backbones`: rows of
    `ml.evaluation.table_5.table`.
    """
    card, held_out = engine.bundle.card, predict_held_out(engine, sources, split, drawings)
    found: dict[str, Any] = {
        "bundle": card.reference,
        "split": split.value,
        "notice": card.notice,
        **measure(held_out.ham, card),
        **_patterns(held_out, card),
        "subgroups": subgroups(held_out.ham, card, skin_tones(sources.ham, held_out.ham.records)),
        "alignment": heatmaps(held_out, sources, card),
        "abstention": abstention(engine, held_out.ham),
        "curves": curves(held_out, card),
        "backbones": [dict(row) for row in backbones],
    }
    if held_out.clinics is not None:
        found["other_clinics"] = {**measure(held_out.clinics, card), "roc": _bcc_roc(held_out.clinics, card)}
    return {**found, "criteria": judge(found)}


def summary(document: Mapping[str, Any]) -> dict[str, Any]:
    """The figures that the card keeps."""
    return {
        key: summary(value) if isinstance(value, Mapping) else value
        for key, value in document.items()
        if key not in _ONLY_IN_THE_REPORT
    }


def curves(held_out: HeldOut, card: Card) -> dict[str, Any]:
    """The report's curves of BCC and lesion type, and the ROC curve of pigment network."""
    known, probabilities = held_out.ham, card.bcc.probability(held_out.ham.bcc_logits)
    named, guesses = known.lesion >= 0, known.lesion_logits.argmax(axis=1)
    names = [lesion.value for lesion in card.lesions]
    drawn = {
        "roc": _bcc_roc(known, card),
        "precision_recall": precision_recall(probabilities, known.bcc),
        "reliability": reliability(probabilities, known.bcc),
        "confusion": confusion(known.lesion[named].tolist(), guesses[named].tolist(), names),
    }
    if held_out.structures is not None and held_out.network is not None:
        logits = held_out.structures.pattern_logits[:, card.patterns.index(Pattern.PN)]
        drawn["network_roc"] = roc(logits, held_out.network)
    return drawn


def _bcc_roc(known: Predictions, card: Card) -> dict[str, Any]:
    return roc(card.bcc.probability(known.bcc_logits), known.bcc)


def _patterns(held_out: HeldOut, card: Card) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    all_seven = set(card.patterns) == set(Pattern)
    if all_seven:
        figures["rule"] = by_the_rule(held_out.ham, card)
    if held_out.structures is not None and held_out.network is not None:
        figures["pigment_network"] = on_expert_labels(held_out.structures, held_out.network, card)
        if all_seven:
            figures["coding"] = coding(held_out.ham, held_out.structures, held_out.network, card)
    if held_out.phantoms is not None and held_out.grafts is not None:
        figures["phantoms"] = on_drawings(held_out.phantoms, card)
        figures["grafts"] = on_drawings(held_out.grafts, card)
    return figures
