"""Images that are out of distribution go to a person; an older bundle without that test still serves."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ml.bundle import CARD_FILE, MODEL_FILE, Bundle, BundleError, sha256_of, write_card
from ml.card import Card, Novelty
from ml.engine import Engine
from ml.evaluation.out_of_distribution import images
from ml.imaging.preprocessing import prepare
from ml.imaging.quality import assess
from ml.results import Reason
from ml.training.export import export_onnx
from ml.training.network import MultiTaskNet, pool
from ml.training.novelty import fit
from tests.ml.support import picture

METHOD = "a test's"


def features(count: int, seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    mixing = np.random.default_rng(0).normal(size=(20, 200))
    return generator.normal(size=(count, 20)) @ mixing + generator.normal(0, 0.1, (count, 200))


def test_training_features_score_about_one_and_others_much_more() -> None:
    score = fit(features(2000, 1), components=20)
    unseen = score(torch.from_numpy(features(500, 2)).float())
    assert unseen.shape == (500, 1)
    assert float(unseen.mean()) == pytest.approx(1, rel=0.05)
    outside = torch.from_numpy(features(50, 3) + np.random.default_rng(4).normal(0, 0.5, (50, 200))).float()
    assert float(score(outside).min()) > float(unseen.max())


def test_too_few_images_are_refused() -> None:
    with pytest.raises(ValueError, match="too few"):
        fit(features(20, 1), components=20)


@pytest.fixture(scope="module")
def knowing(network: MultiTaskNet, bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The random bundle with a score fitted to images of blobs on skin."""
    folder = tmp_path_factory.mktemp("knowing") / "knowing-1"
    folder.mkdir()
    spec = bundle.card.preprocessing
    images = torch.from_numpy(np.stack([prepare(picture(seed), spec) for seed in range(40)]))
    with torch.no_grad():
        score = fit(pool(network.features(images)).numpy(), components=8)
    export_onnx(network, spec.size, folder / MODEL_FILE, score)
    card = replace(bundle.card, name=folder.name, sha256=sha256_of(folder / MODEL_FILE), novelty=Novelty(0.0, METHOD))
    write_card(folder, card)
    return Bundle.load(folder)


def test_the_graph_scores_as_the_card_expects(knowing: Bundle) -> None:
    outputs = Engine(knowing).forward(np.stack([prepare(picture(3), knowing.card.preprocessing)] * 2))
    assert outputs["novelty"].shape == (2, 1)
    assert np.isfinite(outputs["novelty"]).all()


@pytest.mark.parametrize(("threshold", "reasons"), [(0.0, (Reason.UNFAMILIAR,)), (1e9, ())])
def test_beyond_the_threshold_a_person_is_asked_and_told_why(
    knowing: Bundle, threshold: float, reasons: tuple[Reason, ...]
) -> None:
    engine = Engine(Bundle(knowing.path, replace(knowing.card, novelty=Novelty(threshold, METHOD))))
    (result,) = engine.run([picture()])
    assert result.reasons == reasons
    assert result.needs_person == bool(reasons)
    assert "does not look like" in Reason.UNFAMILIAR.message


def test_a_card_keeps_its_threshold_and_an_older_one_has_none(knowing: Bundle, bundle: Bundle) -> None:
    assert Card.from_json(json.loads((knowing.path / CARD_FILE).read_text())).novelty == Novelty(0.0, METHOD)
    older = bundle.card.to_json()
    del older["novelty"]
    for target in older["targets"]:
        del target["choice"]
    assert Card.from_json(json.loads(json.dumps(older))) == bundle.card


def test_a_threshold_without_a_score_in_the_graph_is_refused(edit_card: Callable[..., Path]) -> None:
    with pytest.raises(BundleError, match="do not give the outputs that their card promises"):
        Engine(Bundle.load(edit_card(novelty=Novelty(1.0, METHOD))))


def test_out_of_distribution_images_are_varied_and_the_same_every_time() -> None:
    first, again = ([(kind, image.tobytes()) for kind, image in images(seeds=2)] for _ in range(2))
    assert first == again
    assert len({data for _, data in first}) == len(first)
    assert {"text", "screen", "photograph", "black frame", "out of focus"} <= {kind for kind, _ in first}


def test_what_is_out_of_focus_or_unlit_needs_no_features() -> None:
    by_quality = {"out of focus", "black frame", "white frame", "flat colour"}
    assert all(not assess(image).acceptable for kind, image in images(seeds=3) if kind in by_quality)
