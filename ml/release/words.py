"""What a card says in words: intended use, notice, where the data came from and how the network was trained."""

import platform
from collections.abc import Iterator
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from ml.card import Promise, Target
from ml.training.recipe.config import Recipe

INTENDED_USE: Final = (
    "Ordering a dermatologist's worklist of dermoscopic images by suspicion of basal cell carcinoma, squamous cell "
    "carcinoma and melanoma, with every case read by a dermatologist. Not for diagnosis, not for use without a reader, "
    "not for clinical photographs taken without a dermatoscope."
)
SOURCES: Final = {
    "HAM10000": "Tschandl, Rosendahl, Kittler, Scientific Data 5:180161 (2018); 256 px centre crops. Lesion types",
    "MILK10k": "MILK study team, ISIC challenge 2025; 320 px centre crops, close-ups at 160 px. Lesion types, modality",
    "BCN_20000": "Combalia et al., arXiv 1908.02288, as published in ISIC 2019; 84 px. Lesion types",
    "ISIC 2018 Task 2": "Codella et al., arXiv 1902.03368; 400 px. Experts' marks of pigment network",
    "Readings": "of 1,779 images of HAM10000 and MILK10k: automated readings by a general vision-language model, "
    "repeated and merged; no dermatologist has checked them. The six patterns of BCC and where they are",
    "Weights": "MobileNet-V2 trained on ImageNet, Google Coral (Apache-2.0), as the start of training",
}
LICENCE: Final = "CC BY-NC 4.0: non-commercial use, with attribution; a model trained on the collections inherits both"
_LIBRARIES: Final = ("torch", "torchvision", "scikit-learn", "onnx", "onnxruntime", "numpy", "pillow")
_PATHS: Final = {"weights", "initial", "teachers"}


def notice(bcc: Target) -> str:
    """What was measured of BCC, collection by collection, and that nothing is known beyond."""
    found = "; ".join(_found(promise) for promise in bcc.promises)
    return (
        f"Not clinically validated. At its threshold for BCC, on lesions that the network had not seen: {found}. "
        "Nothing is known of other images. No dermatologist has checked the labels of the six BCC patterns."
    )


def _found(promise: Promise) -> str:
    sensitivity, specificity = (
        "n/a" if one.value is None else f"{one.value:.2f}" for one in (promise.sensitivity, promise.specificity)
    )
    return (
        f"{promise.collection} sensitivity {sensitivity} ({promise.positives:,} BCC), specificity {specificity} "
        f"({promise.negatives:,} others)"
    )


def training(recipe: Recipe, folds: int) -> dict[str, Any]:
    config = {key: Path(value).name if key in _PATHS and value else value for key, value in asdict(recipe).items()}
    return {
        "command": " ".join(["python -m ml folds RUNS --everything", *_options(recipe)]),
        "release": "python -m ml release RUNS BUNDLE --ham HAM10000 --milk MILK10k --readings READINGS "
        "--structures TASK2",
        "folds": folds,
        "config": config,
    }


def _options(recipe: Recipe) -> Iterator[str]:
    yield "--ham HAM10000 --milk MILK10k --clinics ISIC2019 --pairs ml/data/same_lesions.csv"
    defaults = {field.name: field.default for field in fields(Recipe)}
    for name, value in asdict(recipe).items():
        if name in _PATHS and value:
            yield f"--{name} {Path(value).name}"
        elif isinstance(value, int | float) and name != "fold" and value != defaults[name]:
            yield f"--{name.replace('_', '-')} {value}"


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{library: version(library) for library in _LIBRARIES}}
