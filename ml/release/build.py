"""Build a bundle from a training run: export, calibrate on validation, measure on test, write the card."""

import json
import pickle
import platform
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import torch

from ml.backbones import find
from ml.bundle import MODEL_FILE, Bundle, sha256_of, write_card
from ml.card import BCC, Card, Novelty, OperatingPoint, Target, calibrated
from ml.data.examples import LESIONS
from ml.data.mixture import Portion, Sources, load
from ml.data.records import DataError
from ml.data.splits import Split
from ml.data.synthetic import drawings as drawn
from ml.data.task2 import Isic2018Task2
from ml.engine import Engine
from ml.evaluation.predictions import Predictions, predict
from ml.imaging.preprocessing import PreprocessingSpec
from ml.imaging.quality import QualityLimits
from ml.patterns import Pattern
from ml.release.patterns import NOVELTY_METHOD, known_images, pattern_targets, with_novelty
from ml.report.document import DRAWINGS, document, summary
from ml.report.files import write_report
from ml.training.calibration import fit_binary, fit_temperature, operating_points
from ml.training.export import export_onnx
from ml.training.network import MultiTaskNet
from ml.training.stages import BEST

DEFAULT_SENSITIVITY: Final = 0.95
INTENDED_USE: Final = (
    "Ordering a dermatologist's worklist of dermoscopic images by the probability of basal cell carcinoma, with every "
    "case read by a dermatologist. Not for diagnosis, not for use without a reader, not for clinical photographs taken "
    "without a dermatoscope."
)
NOTICE: Final = (
    "Not clinically validated: this model was trained and tested on one public research collection only. It orders the "
    "worklist; it does not replace a dermatologist's reading."
)
EVIDENCE: Final = "HAM10000 diagnoses; every BCC in it is confirmed by histology"
DATA: Final = {
    "source": "HAM10000: Tschandl, Rosendahl, Kittler, Scientific Data 5:180161 (2018); 256 px centre crops",
    "licence": "CC BY-NC 4.0: non-commercial use, with attribution; a model trained on it inherits both",
}
JOINT_NOTICE: Final = (
    "Not clinically validated: this model was trained and tested on public research collections only. Six of its seven "
    "patterns were learnt from drawings and the clinical rule, without expert labels: read each of them as “some "
    "pattern of BCC”, since in a BCC the model usually names several. It orders the worklist; it does not replace a "
    "dermatologist's reading."
)
PATTERN_SOURCES: Final = (
    "Pigment network: ISIC 2018 Task 2 (Codella et al., arXiv 1902.03368), 400 px. The six BCC patterns: phantoms, and "
    "drawings on HAM10000 photographs"
)
CLINICS_SOURCE: Final = "More BCC and lesion types: ISIC 2019 images of BCN_20000 (arXiv 1908.02288), 84 px"
_LIBRARIES: Final = ("torch", "torchvision", "schedulefree", "onnx", "onnxruntime", "numpy", "pillow")


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
    card = _draft(bundle.name, bundle, spec, config, marked)
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


def _draft(
    name: str, bundle: Path, spec: PreprocessingSpec, config: dict[str, Any], marked: Isic2018Task2 | None
) -> Card:
    # The engine needs a complete card to start; `_calibrate` replaces this.
    uncalibrated = OperatingPoint(
        target_sensitivity=DEFAULT_SENSITIVITY, threshold=0.5, sensitivity=0.0, specificity=0.0
    )
    config["weights"] = Path(config["weights"]).name  # the path says nothing elsewhere
    return Card(
        name=name,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        sha256=sha256_of(bundle / MODEL_FILE),
        backbone=f"{find(config['backbone']).label}, {spec.size} × {spec.size}",
        preprocessing=spec,
        targets=tuple(
            Target(code, EVIDENCE, 1.0, 0.0, (uncalibrated,), DEFAULT_SENSITIVITY)
            for code in (BCC, *(pattern.value for pattern in Pattern if config.get("patterns")))
        ),
        lesions=LESIONS,
        lesion_temperature=1.0,
        quality=QualityLimits(),
        intended_use=INTENDED_USE,
        clinically_validated=False,
        notice=NOTICE if marked is None else JOINT_NOTICE,
        novelty=Novelty(float("inf"), NOVELTY_METHOD),
        data=_data(config),
        training={
            "command": _command(config),
            "export": f"python -m ml export RUN BUNDLE … --size {spec.size}",
            "config": config,
        },
        versions={"python": platform.python_version(), **{library: version(library) for library in _LIBRARIES}},
    )


def _data(config: dict[str, Any]) -> dict[str, str]:
    more = [PATTERN_SOURCES] * config["patterns"] + [CLINICS_SOURCE] * config["clinics"]
    return {**DATA, "source": ". ".join([DATA["source"], *more])}


def _command(config: dict[str, Any]) -> str:
    options = [f"--backbone {config['backbone']}", f"--weights {config['weights']}", f"--seed {config['seed']}"]
    options += ["--structures ISIC2018"] if config["patterns"] else []
    options += ["--other-clinics ISIC2019"] if config["clinics"] else []
    options += [f"--fold {config['fold']}"] if config["fold"] else []
    options += ["--bf16"] if config["half"] else []
    return f"python -m ml train RUN --data HAM10000 {' '.join(options)}"


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
