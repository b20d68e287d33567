"""A card, and a run of two folds with everything that is read of it, made by hand and by chance."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ml.card import CODES, Card, Gate, Labels, Measured, OperatingPoint, Place, Promise, Target
from ml.imaging.preprocessing import PreprocessingSpec
from ml.imaging.quality import QualityLimits
from ml.patterns import LESIONS, Lesion, Pattern
from tests.ml.support import encoded
from tests.ml.tiny_sets import Rows, table

FOLDS = 2


def target(code: str, threshold: float = 0.5, **fields: Any) -> Target:
    """Uncalibrated: a logit of 0 is a probability of one half."""
    points = (OperatingPoint(0.95, threshold, 0.95, 0.9),)
    return Target(code, "diagnoses", 1.0, 0.0, points, 0.95, Place(1.0, 0.1), 0.5, **fields)


def card(**fields: Any) -> Card:
    labels = Labels(297, 0.736, Measured(0.91, 0.88, 0.93), 0.21)
    promise = Promise("HAM10000", Measured(0.96, 0.94, 0.98), Measured(0.951, 0.94, 0.96), 514, 9501)
    own: dict[str, dict[str, Any]] = {
        "BCC": {"promises": (promise,)},
        Pattern.MG: {"labels": labels, "possible_from": 0.3},
        Pattern.SW: {"labels": labels, "told_apart": False},
    }
    given = {
        "name": "made-1",
        "created": "2026-01-01T00:00:00+00:00",
        "sha256": "0" * 64,
        "backbone": "MobileNet-V2",
        "preprocessing": PreprocessingSpec(),
        "targets": tuple(target(code, **own.get(code, {})) for code in CODES),
        "lesions": tuple(Lesion),
        "lesion_temperature": 1.0,
        "quality": QualityLimits(),
        "intended_use": "Tests.",
        "clinically_validated": False,
        "notice": "Not validated: <b>5 < 6</b>.",
        "gate": Gate(0.4, "made by hand"),
        "data": {
            "licence": "CC BY-NC",
            "sources": {"HAM10000": "Tschandl 2018"},
            "collections": {"HAM10000": {"images": 60, "lesions": 50, "bcc_images": 20, "bcc_lesions": 18}},
        },
        "training": {"command": "python -m ml folds", "config": {"size": 224, "initial": ""}},
        "versions": {"python": "3.11"},
    }
    return Card(**{**given, **fields})


def write_fold(folder: Path, number: int, names: list[tuple[str, str, str, Lesion]], marked: list[str]) -> None:
    """Predictions about (image, collection, lesion, diagnosis), right more often than not, and of marked images."""
    generator, fold = np.random.default_rng(number), folder / f"fold-{number}"
    fold.mkdir(parents=True)
    truth = np.array([LESIONS.index(kind) for *_, kind in names])
    logits = generator.normal(0, 1, (len(names), 4, 1 + len(LESIONS)))
    logits[np.arange(len(names)), :, 1 + truth] += 3
    logits[..., 0] += np.where(truth == LESIONS.index(Lesion.BCC), 3, -3)[:, None]
    image_id, collection, group = (np.array(column) for column in list(zip(*names, strict=True))[:3])
    diagnosis = np.array([kind.value for *_, kind in names])
    np.savez(
        fold / "predictions.npz",
        image_id=image_id,
        collection=collection,
        group=group,
        diagnosis=diagnosis,
        logits=logits,
    )
    cells = generator.normal(0, 1, (len(names), 16, len(Pattern)))
    np.savez(fold / "pattern-scores.npz", image_id=image_id, scores=cells.max(axis=1), cells=cells)
    network = generator.normal(0, 1, (len(marked), 16))
    np.savez(fold / "structures-scores.npz", image_id=np.array(marked), scores=network.max(axis=1), cells=network)
    write_outputs(fold, names, marked)


def write_outputs(fold: Path, names: list[tuple[str, str, str, Lesion]], marked: list[str]) -> None:
    """What the folds' graphs say of the same images, and of a close-up of each image of MILK10k."""
    rows = [(collection, image, group, kind.value) for image, collection, group, kind in names]
    rows += [("close-up", image, group, "") for image, collection, group, _ in names if collection == "MILK10k"]
    rows += [("ISIC 2018 Task 2", image, image, "") for image in marked]
    generator = np.random.default_rng(len(rows))
    source, name, group, diagnosis = (np.array(column) for column in zip(*rows, strict=True))
    modality = np.where(source == "close-up", -4.0, 4.0)
    shares = generator.random((len(rows), len(CODES), 4, 4))
    np.savez(
        fold / "outputs.npz",
        source=source,
        name=name,
        group=group,
        diagnosis=diagnosis,
        target_logits=generator.normal(0, 1, (len(rows), len(CODES))),
        lesion_logits=generator.normal(0, 1, (len(rows), len(LESIONS))),
        modality_logits=np.stack([modality, -modality, np.full(len(rows), -9.0)], axis=1),
        strength=generator.random((len(rows), len(CODES))),
        shares=shares / shares.sum(axis=(2, 3), keepdims=True),
    )


def write_structures(file: Path, images: int = 12) -> Path:
    """ISIC 2018 Task 2's layout: pigment network in every other image, in its upper half."""
    rows: Rows = [
        {
            "image_id": f"ISIC_{800 + k:07d}",
            "dx": "nv",
            "age": "",
            "sex": "",
            "site": "",
            "lesion_id": "",
            "pigment_network": k % 2,
        }
        for k in range(images)
    ]
    mask = Image.fromarray(np.repeat(np.array([[255], [0]], np.uint8), 32, axis=0).repeat(64, axis=1))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("metadata.csv", table(rows))
        for row in rows:
            if row["pigment_network"]:
                archive.writestr(f"attribute_masks/pigment_network/{row['image_id']}.png", encoded(mask))
    return file


def write_readings(file: Path, images: dict[str, str]) -> Path:
    """Three readers agree: a pattern in every seventh image, always in b2. `images`: name → collection."""
    shown = {image: list(Pattern)[k % len(Pattern)] for k, image in enumerate(images)}
    ratings: Rows = [
        {"image": image, "rater": f"r{reader}", "pattern": pattern.value, "value": int(shown[image] is pattern)}
        for image in images
        for reader in range(3)
        for pattern in Pattern
    ]
    regions: Rows = [
        {"image": image, "rater": f"r{reader}", "pattern": shown[image].value, "cells": "b2"}
        for image in images
        for reader in range(3)
    ]
    about: Rows = [{"image": image, "collection": name, "dx": ""} for image, name in images.items()]
    with zipfile.ZipFile(file, "w") as archive:
        for name, rows in (("ratings", ratings), ("regions", regions), ("images", about)):
            archive.writestr(f"{name}.csv", table(rows))
    return file


def images_of(ham: Path, milk: Path) -> list[tuple[str, str, str, Lesion]]:
    """Image, collection, lesion and diagnosis of tiny sets."""
    from ml.data.collections import read_collections

    found = read_collections(ham, milk, None)
    return [(item.image_id, each.name, item.group, item.diagnosis) for each in found for item in each.items]
