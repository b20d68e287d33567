"""A complete training on a few dozen images, with an interruption, and the bundle built from it."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from ml.__main__ import main
from ml.bundle import Bundle, BundleError
from ml.data.examples import normalise
from ml.data.ham10000 import Ham10000
from ml.data.mixture import Sources, photographs
from ml.data.records import DataError
from ml.data.splits import split_by_lesion
from ml.evaluation.out_of_distribution import images
from ml.imaging.preprocessing import SIGNED_UNIT, PreprocessingSpec, prepare
from ml.training.activations import CachedViews, FreshViews, activations_of
from ml.training.augmentation import augment
from ml.training.config import Config, Stage
from ml.training.network import MultiTaskNet, load_backbone
from ml.training.progress import Progress, area
from ml.training.stages import BEST, CHECKPOINT, Trainer, freeze_below, set_training
from tests.ml.support import picture

STAGES = (
    Stage("heads", cut=19, epochs=1, rate=1e-2, views=1),
    Stage("last blocks", cut=17, epochs=2, rate=1e-3, views=1),
    Stage("fresh", cut=18, epochs=1, rate=1e-3),
)


class StoppedError(Exception):
    pass


def trainer(data: Path, folder: Path, seed: int = 1) -> Trainer:
    torch.manual_seed(99)  # whatever was drawn before must not matter
    config = Config(weights="none", seed=seed, size=64, batch=16, draws=48, stages=STAGES)
    return Trainer(config, Sources(Ham10000(data)), folder)


@pytest.fixture(scope="module")
def run(tiny_ham: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    trainer(tiny_ham, folder).run()
    return folder


def test_a_run_leaves_everything_needed_to_understand_it(run: Path, tiny_ham: Path) -> None:
    history = json.loads((run / "history.json").read_text())
    assert [(row["stage"], row["epoch"]) for row in history] == [
        ("heads", 1),
        ("last blocks", 1),
        ("last blocks", 2),
        ("fresh", 1),
    ]
    assert all(0 <= row["auc"] <= 1 and row["loss"] > 0 for row in history)
    split = json.loads((run / "split.json").read_text())
    expected = split_by_lesion(Ham10000(tiny_ham).records, seed=1)
    assert split == {name.value: [record.image_id for record in part] for name, part in expected.items()}
    config = json.loads((run / "config.json").read_text())
    assert Config.from_json({key: value for key, value in config.items() if key != "preprocessing"}).stages == STAGES


def test_blocks_that_no_stage_trains_do_not_change(run: Path, tiny_ham: Path, tmp_path: Path) -> None:
    """Their weights and their batch-norm statistics."""
    before = trainer(tiny_ham, tmp_path).network.state_dict()
    after = torch.load(run / CHECKPOINT, weights_only=True)["network"]
    frozen = [name for name in before if name.startswith("features.") and int(name.split(".")[1]) < 17]
    assert len(frozen) > 250
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    assert not torch.equal(before["features.17.conv.0.0.weight"], after["features.17.conv.0.0.weight"])


@pytest.mark.parametrize("after", [2, 3])
def test_an_interrupted_run_ends_with_the_same_weights(run: Path, tiny_ham: Path, tmp_path: Path, after: int) -> None:
    interrupted = trainer(tiny_ham, tmp_path)
    save, calls = interrupted._save, []

    def save_and_stop(*arguments: Any) -> None:
        save(*arguments)
        calls.append(arguments)
        if len(calls) == after:
            raise StoppedError

    interrupted._save = save_and_stop  # type: ignore[assignment,method-assign]
    with pytest.raises(StoppedError):
        interrupted.run()
    again = trainer(tiny_ham, tmp_path)
    again.run()
    assert len(again.history) == 4
    whole, resumed = (torch.load(folder / CHECKPOINT, weights_only=True) for folder in (run, tmp_path))
    for name, tensor in whole["network"].items():
        torch.testing.assert_close(resumed["network"][name], tensor, msg=name)


def test_the_run_becomes_a_bundle_that_predicts(
    run: Path, tiny_ham: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.evaluation.bootstrap.RESAMPLES", 30)
    assert main(["export", str(run), str(tmp_path / "tiny-1"), "--data", str(tiny_ham)]) == 0
    printed = json.loads(capsys.readouterr().out)
    card = Bundle.load(tmp_path / "tiny-1").card
    assert printed["bundle"] == card.reference == f"tiny-1@{card.sha256[:12]}"
    assert card.data["splits"]["test"] == {"images": 12, "lesions": 12, "bcc_images": 4, "bcc_lesions": 4}
    assert card.metrics["images"] == 12
    assert card.bcc.temperature > 0
    assert [point.target_sensitivity for point in card.bcc.operating_points] == [0.90, 0.95, 0.98]
    exported = (tmp_path / "tiny-1" / "report.json").read_text()
    arguments = ["evaluate", str(tmp_path / "tiny-1"), "--data", str(tiny_ham), "--output", str(tmp_path / "again")]
    assert main(arguments) == 0
    assert "area under the ROC curve" in capsys.readouterr().out
    assert (tmp_path / "again" / "report.json").read_text() == exported
    (tmp_path / "picture.png").write_bytes(b"")
    assert main(["predict", str(tmp_path / "picture.png"), "--bundle", str(tmp_path / "tiny-1"), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"] == "The file is empty."


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "RUN", "--data", "MISSING", "--weights", "none"], "is not the HAM10000"),
        (["train", "RUN", "--data", "DATA", "--weights", "MISSING.safetensors"], "cannot be used"),
        (["train", "RUN", "--data", "DATA", "--weights", "IMAGENET9"], "no weights named IMAGENET9"),
        (["evaluate", "MISSING", "--data", "DATA"], "no readable model card"),
        (["export", "MISSING", "OUT", "--data", "DATA"], "no finished training run"),
    ],
)
def test_a_bad_path_is_one_plain_sentence(
    arguments: list[str], words: str, tiny_ham: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"DATA": tiny_ham, "MISSING": tmp_path / "missing", "RUN": tmp_path / "run", "OUT": tmp_path / "out"}
    assert main([str(places.get(argument, argument)) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert len(error.splitlines()) == 1


def test_a_data_set_without_enough_lesions_is_refused(tiny_ham: Path, tmp_path: Path) -> None:
    data = Ham10000(tiny_ham)
    data.records = data.records[:5]
    with pytest.raises(DataError, match="too few lesions"):
        Trainer(Config(weights="none", stages=STAGES), Sources(data), tmp_path)


def test_folds_are_trained_and_measured_in_turn(
    tiny_ham: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.evaluation.bootstrap.RESAMPLES", 10)
    monkeypatch.setattr("ml.evaluation.out_of_distribution.images", lambda: images(seeds=1))
    monkeypatch.setattr("ml.training.config.three_steps", lambda *_: STAGES[:1])
    options = ["--data", str(tiny_ham), "--weights", "none", "--draws", "32", "--size", "64"]
    assert main(["crossvalidate", str(tmp_path), *options, "--folds", "1", "3"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json.loads((tmp_path / "folds.json").read_text())
    rates = printed["operating_points.0.95.sensitivity"]
    assert rates["mean"] == pytest.approx(sum(rates["folds"]) / 2)
    held_out = [set(json.loads((tmp_path / f"fold-{k}" / "split.json").read_text())["test"]) for k in (1, 3)]
    assert not held_out[0] & held_out[1]
    assert Bundle.load(tmp_path / "fold-3" / "bundle").card.data["fold"] == 3


def test_a_damaged_run_is_refused(run: Path, tiny_ham: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    (tmp_path / "run" / BEST).write_bytes(b"no weights")
    assert main(["export", str(tmp_path / "run"), str(tmp_path / "out"), "--data", str(tiny_ham)]) == 2
    with pytest.raises(BundleError):
        Bundle.load(tmp_path / "out")


def test_training_sees_what_serving_sees(tiny_ham: Path) -> None:
    data = Ham10000(tiny_ham)
    examples = photographs(data, data.records[:4], SIGNED_UNIT)
    for index, record in enumerate(data.records[:4]):
        served = torch.from_numpy(prepare(data.image(record), SIGNED_UNIT))
        torch.testing.assert_close(normalise(examples.pixels[index : index + 1].float(), SIGNED_UNIT)[0], served)


def test_frozen_blocks_neither_learn_nor_update_statistics() -> None:
    network = MultiTaskNet()
    learning = freeze_below(network, 17)
    set_training(network, 17)
    assert not any(parameter.requires_grad for parameter in network.features[:17].parameters())
    trained = (network.features[17:], network.bcc_head, network.lesion_head)
    assert len(learning) == sum(len(list(module.parameters())) for module in trained)
    assert not any(module.training for block in network.features[:17] for module in block.modules())
    assert network.features[17].training
    assert network.dropout.training


@pytest.mark.parametrize("cut", [0, 4, 18, 19])
def test_trunk_and_tail_are_the_whole_network(cut: int) -> None:
    network = MultiTaskNet().eval()
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        for whole, parts in zip(network(images), network.tail(network.trunk(images, cut), cut), strict=True):
            torch.testing.assert_close(whole, parts)


def test_cached_activations_are_those_of_the_same_views(tiny_ham: Path) -> None:
    data, network = Ham10000(tiny_ham), MultiTaskNet().eval()
    spec = PreprocessingSpec(size=64)
    examples = photographs(data, data.records[:6], spec)
    whole = torch.autocast("cpu", enabled=False)
    fresh = FreshViews(examples, network, 4, spec, lambda: whole)
    cached = CachedViews(fresh, views=2)
    for view in range(2):
        fresh.seed(1009 + view)
        expected = fresh(torch.arange(6)).inputs
        torch.testing.assert_close(cached.inputs[view].float(), expected, rtol=1e-2, atol=1e-2)
    first, second = cached.inputs.float()
    assert (first - second).abs().mean() > 0.1 * first.abs().mean()
    plain = activations_of(examples.pixels, network, 19, spec)
    assert plain.shape == (6, 1280)


@pytest.mark.parametrize("cut", [4, 19])
def test_progress_is_measured_on_plain_images(tiny_ham: Path, cut: int) -> None:
    data, network, spec = Ham10000(tiny_ham), MultiTaskNet().eval(), PreprocessingSpec(size=64)
    examples = photographs(data, data.records, spec)
    progress = Progress({"ham": examples}, spec)
    progress.freeze(network, cut)
    with torch.no_grad():
        scores = network(normalise(examples.pixels.float(), spec)).bcc[:, 0]
    assert progress.scores(network)["auc"] == pytest.approx(area(examples.bcc, scores), abs=0.01)
    assert math.isnan(area(torch.tensor([1.0, 1.0, torch.nan]), torch.rand(3)))


def test_the_shared_weights_are_a_working_backbone(shared: Path) -> None:
    network = MultiTaskNet()
    spec = load_backbone(network, str(shared / "weights" / "mobilenet_v2_imagenet.safetensors"))
    assert spec == SIGNED_UNIT
    images = torch.stack([torch.from_numpy(prepare(picture(seed), spec)) for seed in range(4)])
    with torch.no_grad():
        features = network.eval().trunk(images, 19)
    assert features.std() > 0.05
    assert features.max() <= 6


def test_views_differ_stay_in_range_and_repeat_with_the_seed() -> None:
    images = torch.stack([torch.from_numpy(prepare(picture(seed), PreprocessingSpec(size=96))) for seed in range(6)])
    pixels = images * 127.5 + 127.5

    def view(seed: int) -> torch.Tensor:
        return augment(pixels.clone(), torch.Generator().manual_seed(seed))

    assert torch.equal(view(1), view(1))
    assert (view(1) - view(2)).abs().mean() > 3
    assert view(1).min() >= 0
    assert view(1).max() <= 255
    assert view(1).shape == pixels.shape
    assert not torch.equal(view(1)[0], pixels[0])
    assert (view(1).mean(dim=(1, 2, 3)) / pixels.mean(dim=(1, 2, 3)) - 1).abs().max() < 0.35
