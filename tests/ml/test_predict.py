"""The command line's contract, tested in a real process."""

import csv
import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from ml.bundle import Bundle
from ml.card import CODES, Place
from ml.commands.predict import CELLS, cell_rows
from ml.patterns import LESIONS, Call, Lesion, Pattern
from ml.results import Heatmap
from ml.training.recipe.explained import ExplainedLesionNet
from tests.ml.support import encoded, explained, picture, write_bundle

ROOT = Path(__file__).parents[2]
KEYS = [
    "image",
    "bcc_probability",
    "bcc",
    "malignant",
    "modality",
    "patterns",
    "pattern_calls",
    "lesion",
    "needs_person",
    "reasons",
    "bundle",
]


def only(*codes: str) -> ExplainedLesionNet:
    """A graph that is certain of these findings and of no other."""
    graph = explained()
    bias = np.array([50.0 if pattern in codes else -50.0 for pattern in Pattern])
    graph.network.cell_head.bias.data.copy_(torch.from_numpy(bias))
    graph.network.bcc_head.bias.data.fill_(500.0 if "BCC" in codes else -500.0)
    graph.network.lesion_head.bias.data[LESIONS.index(Lesion.NV)] = 100.0  # none of the malignant types
    return graph


def predict(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "ml", "predict", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Path]:
    files = {
        "good.jpg": encoded(picture(1), "JPEG"),
        "tall.png": encoded(picture(2, (240, 400))),
        "black.webp": encoded(Image.new("RGB", (300, 300)), "WEBP"),
        "page.jpg": b"<html></html>",
        "cut.jpg": encoded(picture(3), "JPEG")[:-500],
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return {name: tmp_path / name for name in files}


def test_json_contract(bundle: Bundle, images: dict[str, Path], tmp_path: Path) -> None:
    names = [*images.values(), tmp_path / "missing.jpg", tmp_path]
    done = predict(*names, "--json", "--bundle", bundle.path)
    assert done.returncode == 1
    assert done.stderr == ""
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["image"] for answer in answers] == [str(name) for name in names]
    good, tall, black, *failed = answers
    for answer in (good, tall, black):
        assert list(answer) == KEYS
        assert 0 <= answer["bcc_probability"] <= 1
        assert answer["bcc"] == (answer["bcc_probability"] >= 0.5)
        assert list(answer["malignant"]) == ["BCC", "SCC", "MEL"]
        assert answer["malignant"]["BCC"] == answer["bcc_probability"]
        assert answer["modality"] == "dermoscopic"
        assert list(answer["patterns"]) == list(answer["pattern_calls"]) == list(Pattern)
        assert set(answer["pattern_calls"].values()) <= set(Call)
        assert list(answer["lesion"]) == [lesion.value for lesion in Lesion]
        assert answer["bundle"] == bundle.reference
    assert (good["needs_person"], good["reasons"]) == (False, [])
    assert black["needs_person"]
    assert set(black["reasons"]) == {"too_dark", "out_of_focus"}
    assert all(list(answer) == ["image", "error"] for answer in failed)
    assert len(failed) == 4


def test_nothing_wrong_is_status_zero_and_the_shipped_bundle_is_the_default(
    images: dict[str, Path], shipped: Bundle
) -> None:
    done = predict(images["good.jpg"], "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["bundle"] == shipped.reference
    assert list(answer["patterns"]) == list(Pattern)


def test_a_table_for_people_carries_the_notice(bundle: Bundle, images: dict[str, Path]) -> None:
    done = predict(*images.values(), "--bundle", bundle.path)
    assert done.returncode == 1
    assert bundle.card.notice in done.stdout
    assert "P(BCC)" in done.stdout
    assert "too dark" in done.stdout
    assert done.stdout.count("cannot be read") == 2


@pytest.mark.parametrize("bundle_folder", ["nowhere", "."])
def test_a_bad_bundle_is_one_plain_sentence(images: dict[str, Path], tmp_path: Path, bundle_folder: str) -> None:
    done = predict(images["good.jpg"], "--bundle", tmp_path / bundle_folder)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "no readable model card" in done.stderr


def test_heatmaps_lie_on_the_upright_image(tmp_path: Path) -> None:
    """An image stored sideways comes back upright, changed only inside its centre square."""
    bundle = write_bundle(tmp_path / "certain", only("BCC", "U"))  # BCC is where its patterns are
    upright = picture(1, (400, 240))
    exif = Image.Exif()
    exif[0x0112] = 6
    file = tmp_path / "photo.png"
    file.write_bytes(encoded(upright.transpose(Image.Transpose.ROTATE_90), exif=exif))
    done = predict(file, "--json", "--bundle", bundle.path, "--heatmaps", tmp_path / "maps")
    assert done.returncode == 0, done.stderr
    written, other = sorted((tmp_path / "maps").iterdir())
    assert (written.name, other.name) == ("0001-photo-BCC.png", "0001-photo-U.png")
    drawn, original = np.asarray(Image.open(written)).astype(int), np.asarray(upright).astype(int)
    assert drawn.shape == original.shape
    changed = (drawn != original).any(axis=2)
    assert not changed[:, :80].any()
    assert not changed[:, 320:].any()
    assert changed[:, 80:320].mean() > 0.3


def test_a_finding_that_is_absent_has_no_heatmap(tmp_path: Path, images: dict[str, Path]) -> None:
    bundle = write_bundle(tmp_path / "never", only())
    done = predict(images["good.jpg"], "--json", "--bundle", bundle.path, "--heatmaps", tmp_path / "maps")
    assert done.returncode == 0
    assert list((tmp_path / "maps").iterdir()) == []


def test_cells_have_the_share_of_each_map(bundle: Bundle, images: dict[str, Path], tmp_path: Path) -> None:
    file = tmp_path / "cells.csv"
    done = predict(images["good.jpg"], images["page.jpg"], "--json", "--bundle", bundle.path, "--cells", file)
    assert done.returncode == 1
    with file.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    names = [f"{column}{row}" for row in "1234" for column in "abcd"]
    assert [(row["image"], row["target"]) for row in rows] == [("good", code) for code in CODES]
    for row in rows:
        assert list(row) == ["image", "target", *names]
        assert sum(float(row[name]) for name in names) == pytest.approx(1, abs=1e-6)


def test_a_cell_is_named_by_column_from_the_left_and_row_from_the_top() -> None:
    raw = np.zeros((8, 8), np.float32)
    raw[0, 2:4], raw[6, 7] = 1.0, 2.0  # b1 and d4
    result = SimpleNamespace(heatmaps={"BCC": Heatmap(raw, Place(1.0, 0.1))})
    ((image, target, *shares),) = cell_rows("folder/lesion.1.jpg", result)  # type: ignore[arg-type]
    assert (image, target) == ("lesion.1", "BCC")
    found = dict(zip(CELLS, map(float, shares), strict=True))
    assert {name: share for name, share in found.items() if share} == {"b1": 0.5, "d4": 0.5}
