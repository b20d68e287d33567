"""What a bundle says of everything it is measured on: each image goes through the engine once, for all the figures."""

from dataclasses import dataclass

import numpy as np

from ml.data.mixture import Portion, Sources
from ml.data.splits import Split
from ml.data.synthetic import grafts, phantoms
from ml.engine import Engine
from ml.evaluation.diagnosis import Predictions, predict
from ml.evaluation.metrics import Flags
from ml.evaluation.patterns import DrawnAnswers
from ml.patterns import Pattern


@dataclass(frozen=True, eq=False)
class Answers:
    """Each part is None where the data, or the heads to be measured on it, are not there.

    `network`: whether the experts marked pigment network in each image of `structures`.
    """

    ham: Predictions
    structures: Predictions | None = None
    network: Flags | None = None
    phantoms: DrawnAnswers | None = None
    grafts: DrawnAnswers | None = None
    clinics: Predictions | None = None


def ask(engine: Engine, sources: Sources, split: Split, drawings: int) -> Answers:
    """The answers for what the bundle held out of every data set, `drawings` unseen phantoms and as many grafts."""
    card = engine.bundle.card
    held_out = Portion(split, card.data["seed"], card.data.get("fold", 0))
    ham = held_out.of(sources.ham.records)
    known = predict(engine, sources.ham, ham)
    structures = network = drawn = painted = clinics = None
    if sources.structures is not None and Pattern.PN in card.patterns:
        structures = predict(engine, sources.structures, held_out.of(sources.structures.records))
        network = np.array([sources.structures.pigment_network(record) for record in structures.records], np.bool_)
    if drawings and card.patterns:
        spec = card.preprocessing
        drawn = DrawnAnswers.ask(engine, phantoms(split, drawings, spec))
        painted = DrawnAnswers.ask(engine, grafts(split, sources.ham, ham, drawings, spec))
    if sources.clinics is not None:
        clinics = predict(engine, sources.clinics, held_out.of(sources.clinics.records))
    return Answers(known, structures, network, drawn, painted, clinics)
