"""A bundle's predictions for everything it is measured on: each image passes the engine once, for all figures."""

from dataclasses import dataclass

import numpy as np

from ml.data.mixture import Portion, Sources
from ml.data.splits import Split
from ml.data.synthetic import grafts, phantoms
from ml.engine import Engine
from ml.evaluation.metrics import Flags
from ml.evaluation.predictions import DrawnPredictions, Predictions, predict
from ml.patterns import Pattern


@dataclass(frozen=True, eq=False)
class HeldOut:
    """A part is None where its data set is missing, or the heads to be measured on it.

    `network`: whether the experts marked pigment network in each image of `structures`.
    """

    ham: Predictions
    structures: Predictions | None = None
    network: Flags | None = None
    phantoms: DrawnPredictions | None = None
    grafts: DrawnPredictions | None = None
    clinics: Predictions | None = None


def predict_held_out(engine: Engine, sources: Sources, split: Split, drawings: int) -> HeldOut:
    """Predict the lesions of every data set that training held out, `drawings` new phantoms and as many grafts."""
    card = engine.bundle.card
    portion = Portion(split, card.data["seed"], card.data.get("fold", 0))
    records = portion.of(sources.ham.records)
    ham = predict(engine, sources.ham, records)
    structures = network = drawn = painted = clinics = None
    if sources.structures is not None and Pattern.PN in card.patterns:
        structures = predict(engine, sources.structures, portion.of(sources.structures.records))
        network = np.array([sources.structures.pigment_network(record) for record in structures.records], np.bool_)
    if drawings and card.patterns:
        spec = card.preprocessing
        drawn = DrawnPredictions.of(engine, phantoms(split, drawings, spec))
        painted = DrawnPredictions.of(engine, grafts(split, sources.ham, records, drawings, spec))
    if sources.clinics is not None:
        clinics = predict(engine, sources.clinics, portion.of(sources.clinics.records))
    return HeldOut(ham, structures, network, drawn, painted, clinics)
