"""The first draft of a bundle's card: what is known before anything is calibrated or measured."""

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from ml.backbones import find
from ml.bundle import MODEL_FILE, sha256_of
from ml.card import BCC, Card, Novelty, OperatingPoint, Target
from ml.data.examples import LESIONS
from ml.data.task2 import Isic2018Task2
from ml.imaging.preprocessing import PreprocessingSpec
from ml.imaging.quality import QualityLimits
from ml.patterns import Pattern
from ml.release.patterns import NOVELTY_METHOD

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


def draft(
    name: str, bundle: Path, spec: PreprocessingSpec, config: dict[str, Any], marked: Isic2018Task2 | None
) -> Card:
    """An uncalibrated card for the exported graph in `bundle`."""
    # The engine needs a complete card to start; calibration replaces this.
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
