"""Pattern heads on frozen features."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.training.pattern_heads import fit, means
from ml.training.recipe.frozen import features_of, seen
from ml.training.recipe.network import LesionNet
from ml.training.recipe.predictions import CHANNELS, STAGES
from tests.ml.support import picture


def features(images: int = 800) -> tuple[np.ndarray, np.ndarray]:
    """The third of five features, on a scale of its own, decides."""
    generator = np.random.default_rng(1)
    found = generator.normal(0, 1, (images, 5)) * [1, 5, 0.01, 100, 1] + [0, 3, 7, 0, 1]
    return found, (found[:, 2] > 7).astype(float)


def test_a_head_finds_what_decides_whatever_its_scale() -> None:
    found, present = features()
    head = fit(found[:600], present[:600], strength=10.0)
    assert ((head.logits(found[600:]) > 0) == (present[600:] == 1)).mean() > 0.95


def test_soft_targets_are_the_probabilities_a_head_gives() -> None:
    found, present = features()
    found[:, 2] = 7 + 0.01 * present
    head = fit(found, 0.2 + 0.6 * present, strength=100.0)
    probability = 1 / (1 + np.exp(-head.logits(found)))
    assert probability[present == 1].mean() == pytest.approx(0.8, abs=0.03)
    assert probability[present == 0].mean() == pytest.approx(0.2, abs=0.03)


def test_only_means_of_the_wanted_stages_are_read() -> None:
    assert means((6, 18), (2, 3), (18,)).tolist() == [6, 7, 8]
    assert means((6, 18), (2, 3), (6, 18)).tolist() == [0, 1, 6, 7, 8]
    assert len(means(STAGES, CHANNELS, STAGES)) == sum(CHANNELS)


def test_features_are_made_once(tmp_path: Path) -> None:
    file = tmp_path / "features.npz"
    images = [(f"I{k}", lambda k=k: picture(k, (80, 64))) for k in range(3)]
    first = features_of(LesionNet().eval(), images, 32, file)
    assert first.image_id.tolist() == ["I0", "I1", "I2"]
    assert first.features.shape == (3, 3 * sum(CHANNELS))
    again = features_of(LesionNet().eval(), [], 32, file)
    assert np.array_equal(first.features, again.features)


def test_a_shrunk_picture_has_the_detail_of_its_size() -> None:
    fine = Image.fromarray((np.arange(200 * 200).reshape(200, 200) % 2 * 255).astype(np.uint8)).convert("RGB")
    assert seen(fine, 200).std() > 100
    assert seen(fine, 200, shrunk=50).std() < 20
