"""Shared fixtures, and the real data if a developer has it next to the checkout."""

import csv
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from ml.bundle import DEFAULT_BUNDLE, MODEL_FILE, Bundle, write_card
from ml.data.ham10000 import Ham10000
from tests.ml.support import explained, picture, write_bundle

SHARED = Path(__file__).parents[3] / "shared"


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """On a busy machine, threads waiting for each other are slower than one thread."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return write_bundle(tmp_path_factory.mktemp("bundles") / "random-1", explained())


@pytest.fixture
def edit_card(bundle: Bundle, tmp_path: Path) -> Callable[..., Path]:
    """A copy of the bundle with some fields of its card changed."""

    def edit(**fields: Any) -> Path:
        folder = tmp_path / "edited"
        folder.mkdir()
        (folder / MODEL_FILE).write_bytes(bundle.model_file.read_bytes())
        write_card(folder, replace(bundle.card, **fields))
        return folder

    return edit


@pytest.fixture(scope="session")
def tiny_ham(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set in HAM10000's layout: 60 lesions, dark blobs are BCC."""
    folder = tmp_path_factory.mktemp("tiny-ham")
    (folder / "images").mkdir()
    (folder / "masks").mkdir()
    with (folder / "metadata.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"])
        for number in range(60):
            bcc = number % 3 == 0
            image_id = f"ISIC_{number:07d}"
            rows.writerow([f"HAM_{number:07d}", image_id, "bcc" if bcc else "nv", "histo", 50.0, "male", "back"])
            picture(number, (72, 72), dark=bcc).save(folder / "images" / f"{image_id}.jpg", quality=95)
            Image.radial_gradient("L").resize((72, 72)).point(lambda value: 255 * (value < 70)).convert("1").save(
                folder / "masks" / f"{image_id}.png"
            )
    return folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with real images and weights, next to the checkout."""
    if not (SHARED / "data" / "ham10000_256.zip").exists():
        pytest.skip("no real images: shared/data/ham10000_256.zip is not next to the checkout")
    return SHARED


@pytest.fixture(scope="session")
def shipped() -> Bundle:
    return Bundle.load(DEFAULT_BUNDLE)


@pytest.fixture(scope="session")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small inputs that failed once; their right values are in the tests."""
    inputs = SHARED / "cases" / "inputs.zip"
    if not inputs.exists():
        pytest.skip("shared/cases/inputs.zip is not next to the checkout")
    folder = tmp_path_factory.mktemp("cases")
    with zipfile.ZipFile(inputs) as archive:
        archive.extractall(folder)
    return folder


@pytest.fixture(scope="session")
def ham(shared: Path) -> Ham10000:
    return Ham10000(shared / "data" / "ham10000_256.zip")
