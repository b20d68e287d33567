"""What a card says in words: intended use, notice, where the data came from and how the network was trained."""

import platform
from collections.abc import Iterator
from dataclasses import fields
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
_JUDGED: Final = "--ham HAM10000 --milk MILK10k --readings READINGS --structures TASK2 --pairs ml/data/same_lesions.csv"
SETS: Final = f"--clinics ISIC2019 {_JUDGED}"
RELEASE: Final = f"python -m ml release RUNS BUNDLE {_JUDGED}"


def notice(bcc: Target) -> str:
    """What was measured of BCC, collection by collection, of which networks, and that nothing is known beyond."""
    found = "; ".join(_found(promise) for promise in bcc.promises)
    return (
        f"Not clinically validated. At its threshold for BCC: {found}. These figures are of networks trained like this "
        "one, on lesions that those had not seen; this one learnt from all of them. Nothing is known of other images. "
        "No dermatologist has checked the labels of the six BCC patterns."
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
    """How to make the network and the bundle again, without the folders of whoever made them."""
    config = recipe.to_json() | {"weights": Path(recipe.weights).name, "initial": _last(recipe.initial)}
    return {
        "command": f"python -m ml folds RUNS --everything {SETS} {' '.join(_options(recipe))}".rstrip(),
        "release": RELEASE,
        "folds": folds,
        "config": config | {"teachers": [_last(teacher) for teacher in recipe.teachers]},
    }


def _last(path: str) -> str:
    """Of a path, what says which run it was."""
    return "/".join(Path(path).parts[-2:])


def _options(recipe: Recipe) -> Iterator[str]:
    """What differs from the recipe's defaults."""
    yield f"--weights {Path(recipe.weights).name}"
    if recipe.initial:
        yield f"--initial {_last(recipe.initial)}"
    if recipe.teachers:
        yield f"--teachers {Path(recipe.teachers[0]).parent.name}"
    for field in fields(Recipe):
        value = getattr(recipe, field.name)
        if isinstance(value, int | float) and field.name != "fold" and value != field.default:
            yield f"--{field.name.replace('_', '-')}" + ("" if value is True else f" {value}")


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{library: version(library) for library in _LIBRARIES}}
