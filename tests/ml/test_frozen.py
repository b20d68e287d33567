"""Features of a network that stays as it is are made once, and anew for other pictures or other weights."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from ml.data.records import DataError
from ml.training.recipe.config import Recipe, claim
from ml.training.recipe.frozen import Arrays, Picture, Run, kept, means, squares
from ml.training.recipe.network import CHANNELS
from tests.ml.support import picture, random_network

PICTURES = [Picture("HAM10000", f"I{k}", f"G{k}", "nv", partial(picture, k, (80, 64))) for k in range(3)]


def test_a_file_is_used_for_the_same_pictures_and_weights_only(tmp_path: Path) -> None:
    looked: list[int] = []

    def look(images: Tensor) -> Arrays:
        looked.append(len(images))
        return {"mean": images.mean(dim=(1, 2, 3)).numpy()}

    file = tmp_path / "means.npz"
    first = kept(file, PICTURES, "weights", 32, look)
    assert first["name"].tolist() == ["I0", "I1", "I2"]
    assert np.array_equal(kept(file, PICTURES, "weights", 32, look)["mean"], first["mean"])
    assert looked == [3]
    kept(file, PICTURES, "other weights", 32, look)
    kept(file, PICTURES[:2], "other weights", 32, look)
    assert looked == [3, 3, 2]


def test_means_are_of_every_stage() -> None:
    run = Run(Path(), Recipe(weights="", held_out="", evaluated=64), random_network(), "")
    with torch.no_grad():
        images = squares(PICTURES, 64)
        found = means(run, images)
        last = run.network.features(images).mean(dim=(2, 3))
    assert found.shape == (3, sum(CHANNELS))
    assert np.allclose(found[:, -CHANNELS[-1] :].astype(float), last.numpy(), atol=0.01)


def test_a_shrunk_picture_has_the_detail_of_its_size() -> None:
    fine = Image.fromarray((np.arange(200 * 200).reshape(200, 200) % 2 * 255).astype(np.uint8)).convert("RGB")
    one = [PICTURES[0]._replace(load=lambda: fine)]
    assert squares(one, 200).std() > 0.8
    assert squares(one, 200, shrunk=50).std() < 0.2


def test_a_run_that_is_not_finished_is_refused_in_words(tmp_path: Path) -> None:
    claim(tmp_path, Recipe(weights="none", held_out=""))
    with pytest.raises(DataError, match="no finished run yet"):
        Run.read(tmp_path)
