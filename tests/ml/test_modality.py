"""The gate between dermoscopic images and everything else."""

from pathlib import Path

import numpy as np
import pytest

from ml.commands.features import gate_images
from ml.data.collections import Collection, read_collections
from ml.training.modality import MODALITIES, fit, threshold
from tests.ml.tiny_sets import write_milk

KINDS = [MODALITIES[k % 3] for k in range(300)]


def features(size: int = 6) -> np.ndarray:
    """Each modality has a feature of its own."""
    generator = np.random.default_rng(1)
    found = generator.normal(0, 1, (len(KINDS), size))
    found[np.arange(len(KINDS)), np.arange(len(KINDS)) % 3] += 4
    return found * 3 + 10


def test_each_modality_is_recognised() -> None:
    gate = fit(features()[:200], KINDS[:200])
    found = gate.probabilities(features()[200:])
    assert np.allclose(found.sum(axis=1), 1)
    assert (found.argmax(axis=1) == np.arange(200, 300) % 3).mean() > 0.95


def test_the_threshold_asks_for_a_person_no_more_often_than_allowed() -> None:
    probabilities = np.linspace(0, 1, 200)
    assert (probabilities < threshold(probabilities, 0.02)).mean() == pytest.approx(0.02)


@pytest.fixture
def collections(tmp_path: Path, tiny_ham: Path) -> list[Collection]:
    return read_collections(tiny_ham, write_milk(tmp_path / "milk.zip"), None)


def test_the_gate_learns_from_held_out_images_and_every_close_up(collections: list[Collection], tmp_path: Path) -> None:
    np.savez(tmp_path / "predictions.npz", image_id=np.array(["ISIC_0000003", "ISIC_0000504"]))
    names = [name for name, _ in gate_images(collections, tmp_path / "predictions.npz", tmp_path / "milk.zip")]
    kinds = [name.split("/")[0] for name in names]
    assert names[:2] == ["HAM10000/HAM_0000003", "MILK10k/IL_0000004"]
    assert kinds.count("clinical") == 19
    assert kinds.count("other") > 40
