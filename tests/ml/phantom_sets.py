"""Phantoms in the layouts of the real data sets: what `python -m ml release` needs, small enough for seconds."""

import csv
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageFilter

from ml.data.readings import CELLS
from ml.imaging.preprocessing import region
from ml.patterns import BCC_PATTERNS, Pattern
from ml.phantoms import Phantom, generate
from tests.ml.support import encoded
from tests.ml.tiny_sets import Rows, table

_SIZE: Final = (96, 72)
_READERS: Final = ("r0", "r1", "r2")
_KINDS: Final = {"HAM10000": ("bcc", "nv", "mel", "bcc"), "MILK10k": ("BCC", "SCCKA", "MEL", "BCC", "NV")}


def write_sets(folder: Path, lesions: int = 60) -> list[str]:
    """The four sets, as options of the commands."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {name: list(_draw(name, lesions)) for name in _KINDS}
    _write_ham(folder / "ham", drawn["HAM10000"])
    _write_milk(folder / "milk.zip", drawn["MILK10k"])
    _write_readings(folder / "readings.zip", [one for each in drawn.values() for one in each])
    _write_structures(folder / "task2.zip", lesions)
    files = {"--ham": "ham", "--milk": "milk.zip", "--readings": "readings.zip", "--structures": "task2.zip"}
    return [word for option, name in files.items() for word in (option, str(folder / name))]


def _draw(collection: str, lesions: int) -> Iterator[tuple[str, str, Phantom]]:
    """(image id, diagnosis, phantom): a BCC shows one or two of its patterns, a naevus pigment network."""
    first = 100 if collection == "HAM10000" else 1100
    for number in range(lesions):
        kind = _KINDS[collection][number % len(_KINDS[collection])]
        own = {"bcc": _two(number), "nv": [Pattern.PN]}.get(kind.lower(), [])
        yield f"ISIC_{first + number:07d}", kind, generate(first + number, own, size=_SIZE)


def _two(number: int) -> list[Pattern]:
    return [BCC_PATTERNS[number % 6], BCC_PATTERNS[(number // 2 + 3) % 6]]


def _write_ham(folder: Path, drawn: list[tuple[str, str, Phantom]]) -> None:
    (folder / "images").mkdir(parents=True)
    with (folder / "metadata.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"])
        for image_id, kind, phantom in drawn:
            rows.writerow([f"HAM_{image_id}", image_id, kind, "histo", 50.0, "male", "back"])
            phantom.image.save(folder / "images" / f"{image_id}.jpg", quality=95)


def _write_milk(file: Path, drawn: list[tuple[str, str, Phantom]]) -> None:
    """Close-ups are the same lesions, far away and soft."""
    rows: Rows = [
        {
            "image_id": image_id,
            "lesion_id": f"IL_{image_id}",
            "dx": kind,
            "age": 60,
            "sex": "female",
            "site": "trunk",
            "skin_tone_class": 3,
        }
        for image_id, kind, _ in drawn
    ]
    close_ups: Rows = [{"image_id": f"C{row['image_id']}", "lesion_id": row["lesion_id"]} for row in rows]
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("metadata.csv", table(rows))
        archive.writestr("clinical.csv", table(close_ups))
        for image_id, _, phantom in drawn:
            archive.writestr(f"images/{image_id}.jpg", encoded(phantom.image, "JPEG"))
            far = Image.new("RGB", _SIZE, (170, 140, 190))
            far.paste(phantom.image.resize((24, 18)).filter(ImageFilter.GaussianBlur(1)), (36, 27))
            archive.writestr(f"clinical/C{image_id}.jpg", encoded(far, "JPEG"))


def _write_readings(file: Path, drawn: list[tuple[str, str, Phantom]]) -> None:
    """Three readers who see what was drawn."""
    ratings: Rows = [
        {"image": image_id, "rater": reader, "pattern": pattern.value, "value": int(pattern in phantom.patterns)}
        for image_id, _, phantom in drawn
        for pattern in Pattern
        for reader in _READERS
    ]
    regions: Rows = [
        {"image": image_id, "rater": reader, "pattern": pattern.value, "cells": _cells(phantom.masks[pattern])}
        for image_id, _, phantom in drawn
        for pattern in phantom.patterns
        for reader in _READERS
    ]
    images: Rows = [{"image": image_id, "collection": "drawn", "dx": kind} for image_id, kind, _ in drawn]
    with zipfile.ZipFile(file, "w") as archive:
        for name, rows in (("ratings", ratings), ("regions", regions), ("images", images)):
            archive.writestr(f"{name}.csv", table(rows))


def _cells(mask: np.ndarray) -> str:
    """The cells of the centre square that the mask covers most."""
    square = Image.fromarray(mask.astype(np.uint8) * 255)
    covered = np.asarray(square.resize((CELLS, CELLS), Image.Resampling.BOX, box=region(*square.size).box), float)
    rows, columns = np.nonzero(covered >= 0.5 * max(covered.max(), 1))
    return " ".join(f"{'abcd'[column]}{row + 1}" for row, column in zip(rows, columns, strict=True))


def _write_structures(file: Path, images: int) -> None:
    rows: Rows = []
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(images):
            image_id, marked = f"ISIC_{5000 + number:07d}", number % 2 == 0
            phantom = generate(5000 + number, [Pattern.PN] if marked else [], size=_SIZE)
            archive.writestr(f"images/{image_id}.jpg", encoded(phantom.image, "JPEG"))
            if marked:
                mask = Image.fromarray(phantom.masks[Pattern.PN].astype(np.uint8) * 255)
                archive.writestr(f"attribute_masks/pigment_network/{image_id}.png", encoded(mask))
            rows.append(
                {
                    "image_id": image_id,
                    "dx": "nv",
                    "age": 40,
                    "sex": "male",
                    "site": "back",
                    "lesion_id": "",
                    "pigment_network": int(marked),
                }
            )
        archive.writestr("metadata.csv", table(rows))
