"""Build a bundle from a training run: export, calibrate on validation, measure on test, write the card."""

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ml.bundle import MODEL_FILE, Bundle, write_card
from ml.card import Card, calibrated
from ml.data.mixture import Portion, Sources, load
from ml.data.records import DataError
from ml.data.splits import Split
from ml.data.synthetic import drawings as drawn
from ml.engine import Engine
from ml.evaluation.predictions import Predictions, predict
from ml.imaging.preprocessing import PreprocessingSpec
from ml.patterns import Pattern
from ml.release.draft import draft
from ml.release.patterns import known_images, pattern_targets, with_novelty
from ml.report.document import DRAWINGS, document, summary
from ml.report.files import write_report
from ml.training.calibration import fit_binary, fit_temperature, operating_points
from ml.training.export import export_onnx
from ml.training.network import MultiTaskNet
from ml.training.stages import BEST


def load_run(run: Path) -> tuple[MultiTaskNet, PreprocessingSpec, dict[str, Any]]:
    """The best network of a run, its preprocessing and its configuration. Raises `DataError`."""
    try:
        config = json.loads((run / "config.json").read_text(encoding="utf-8"))
        patterns = tuple(Pattern) if config["patterns"] else ()
        network = MultiTaskNet(patterns, backbone=config["backbone"])
        network.load_state_dict(torch.load(run / BEST, weights_only=True, map_location="cpu"))
        return network.eval(), PreprocessingSpec.from_json(config.pop("preprocessing")), config
    except (OSError, ValueError, KeyError, RuntimeError, pickle.UnpicklingError) as error:
        raise DataError(f"{run} holds no finished training run ({type(error).__name__}).") from error


def release(run: Path, bundle: Path, sources: Sources, drawings: int = DRAWINGS, size: int | None = None) -> Card:
    """Write the bundle of a run; a run with pattern heads needs `sources.structures`. Raises `DataError`.

    `size`: side of the input in pixels, if not that of training: a network trained on zoomed-in views may do better at
    a larger one (Touvron et al., arXiv 1906.06423). The test split is read once, after every choice has been made.
    """
    network, spec, config = load_run(run)
    spec = replace(spec, size=size or spec.size)
    if network.patterns and sources.structures is None:
        raise DataError("A run with pattern heads needs ISIC 2018 Task 2 as well.")
    marked = sources.structures if network.patterns else None
    bundle.mkdir(parents=True, exist_ok=True)
    train, validation, test = (Portion(split, config["seed"], config["fold"]) for split in Split)
    of_camera = Sources(sources.ham, marked)
    novelty = known_images(network, spec, load(of_camera, train, spec, run, config["drawings"]))
    export_onnx(network, spec.size, bundle / MODEL_FILE, novelty)
    card = draft(bundle.name, bundle, spec, config, marked)
    portions = {portion.split: portion.of(sources.ham.records) for portion in (train, validation, test)}
    card = replace(card, data={**card.data, "seed": config["seed"], "fold": config["fold"], "splits": _sizes(portions)})
    write_card(bundle, card)
    engine = Engine(Bundle.load(bundle), threads=0)
    known = predict(engine, sources.ham, portions[Split.VALIDATION])
    card = with_novelty(_calibrate(card, known), known)
    if marked is not None:
        made = drawn(Split.VALIDATION, sources.ham, portions[Split.VALIDATION], config["drawings"] // 5, spec, run)
        targets = pattern_targets(card, engine, known, marked, validation, made)
        card = replace(card, targets=(card.bcc, *targets))
    write_card(bundle, card)
    engine = Engine(Bundle.load(bundle), threads=0)
    found = document(engine, replace(sources, structures=marked), Split.TEST, drawings)
    card = replace(card, metrics=summary(found))
    write_card(bundle, card)
    write_report(bundle, found)
    return card


def _calibrate(card: Card, known: Predictions) -> Card:
    temperature, offset = fit_binary(known.bcc_logits, known.bcc)
    points = operating_points(calibrated(known.bcc_logits, temperature, offset), known.bcc)
    target = replace(card.bcc, temperature=temperature, offset=offset, operating_points=points)
    return replace(
        card, targets=(target, *card.targets[1:]), lesion_temperature=fit_temperature(known.lesion_logits, known.lesion)
    )


def _sizes(splits: dict[Split, Any]) -> dict[str, dict[str, int]]:
    return {
        split.value: {
            "images": len(part),
            "lesions": len({record.group for record in part}),
            "bcc_images": sum(record.bcc for record in part),
            "bcc_lesions": len({record.group for record in part if record.bcc}),
        }
        for split, part in splits.items()
    }
