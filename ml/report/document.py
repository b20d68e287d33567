"""Everything that is measured of a bundle, as one JSON document: the report's, and the model card's figures."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from ml.card import Card
from ml.data.mixture import Sources
from ml.data.splits import Split
from ml.engine import Engine
from ml.evaluation.abstention import abstention
from ml.evaluation.answers import Answers, ask
from ml.evaluation.criteria import judge
from ml.evaluation.diagnosis import Predictions, measure
from ml.evaluation.heatmaps import heatmaps
from ml.evaluation.patterns import by_the_rule, coding, on_drawings, on_expert_labels
from ml.evaluation.subgroups import skin_tones, subgroups
from ml.patterns import Pattern
from ml.report.curves import confusion, precision_recall, reliability, roc

DRAWINGS: Final = 400
# What a card keeps: no curve, no density, no count of a confusion matrix, and nothing of a single subgroup.
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
    """Figures and curves of one bundle on one split of all its sources.

    `drawings`: how many unseen phantoms, and as many grafts; 0 leaves both out. `backbones`: rows of
    `ml.backbones.table`.
    """
    card, answers = engine.bundle.card, ask(engine, sources, split, drawings)
    found: dict[str, Any] = {
        "bundle": card.reference,
        "split": split.value,
        "notice": card.notice,
        **measure(answers.ham, card),
        **_patterns(answers, card),
        "subgroups": subgroups(answers.ham, card, skin_tones(sources.ham, answers.ham.records)),
        "alignment": heatmaps(answers, sources, card),
        "abstention": abstention(engine, answers.ham),
        "curves": curves(answers, card),
        "backbones": [dict(row) for row in backbones],
    }
    if answers.clinics is not None:
        found["other_clinics"] = {**measure(answers.clinics, card), "roc": _bcc_roc(answers.clinics, card)}
    return {**found, "criteria": judge(found)}


def summary(document: Mapping[str, Any]) -> dict[str, Any]:
    """The figures that a bundle's card keeps."""
    return {
        key: summary(value) if isinstance(value, Mapping) else value
        for key, value in document.items()
        if key not in _ONLY_IN_THE_REPORT
    }


def curves(answers: Answers, card: Card) -> dict[str, Any]:
    """What the report draws of BCC and lesion type, and the ROC curve of pigment network."""
    known, probabilities = answers.ham, card.bcc.probability(answers.ham.bcc_logits)
    named, guesses = known.lesion >= 0, known.lesion_logits.argmax(axis=1)
    names = [lesion.value for lesion in card.lesions]
    drawn = {
        "roc": _bcc_roc(known, card),
        "precision_recall": precision_recall(probabilities, known.bcc),
        "reliability": reliability(probabilities, known.bcc),
        "confusion": confusion(known.lesion[named].tolist(), guesses[named].tolist(), names),
    }
    if answers.structures is not None and answers.network is not None:
        logits = answers.structures.pattern_logits[:, card.patterns.index(Pattern.PN)]
        drawn["network_roc"] = roc(logits, answers.network)
    return drawn


def _bcc_roc(known: Predictions, card: Card) -> dict[str, Any]:
    return roc(card.bcc.probability(known.bcc_logits), known.bcc)


def _patterns(answers: Answers, card: Card) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    all_seven = set(card.patterns) == set(Pattern)
    if all_seven:
        figures["rule"] = by_the_rule(answers.ham, card)
    if answers.structures is not None and answers.network is not None:
        figures["pigment_network"] = on_expert_labels(answers.structures, answers.network, card)
        if all_seven:
            figures["coding"] = coding(answers.ham, answers.structures, answers.network, card)
    if answers.phantoms is not None and answers.grafts is not None:
        figures["phantoms"] = on_drawings(answers.phantoms, card)
        figures["grafts"] = on_drawings(answers.grafts, card)
    return figures
