"""Seven patterns from three kinds of pictures: each contributes where it has labels, and nowhere else."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ml.__main__ import main
from ml.bundle import Bundle
from ml.datasets import DataError, Ham10000, Split, split_by_lesion
from ml.engine import Engine
from ml.examples import Examples
from ml.joint import PATTERNS, PN, SIX, Joint, drawn, real
from ml.losses import any_of_loss, binary_focal_loss, focal_loss, known_binary_focal_loss, known_focal_loss
from ml.model_card import markdown
from ml.pattern_release import choose_thresholds
from ml.patterns import Pattern
from ml.preprocessing import PreprocessingSpec
from ml.refinement import JointConfig, JointTrainer
from ml.release import release
from ml.strangers import strangers
from ml.structures import Isic2018Task2
from ml.synthetic import FIRST_SEED, Drawn, grafts, phantoms
from ml.training import Config, Stage, Trainer
from tests.ml.support import picture

SPEC = PreprocessingSpec(size=64)


def test_unknown_labels_cost_nothing() -> None:
    logits, labels = torch.randn(6, 2), torch.tensor([[1, 0], [0, 1], [1, 1], [0, 0], [1, 0], [0, 1]]).float()
    assert known_binary_focal_loss(logits, labels) == pytest.approx(float(binary_focal_loss(logits, labels)))
    partly = labels.clone()
    partly[3:, 1] = torch.nan
    ours = known_binary_focal_loss(logits, partly)
    assert float(ours) == pytest.approx(
        float(binary_focal_loss(logits[:, 0], labels[:, 0]) + binary_focal_loss(logits[:3, 1], labels[:3, 1])) / 2
    )
    assert float(known_binary_focal_loss(logits, torch.full((6, 2), torch.nan))) == 0
    classes = torch.tensor([2, -1, 0])
    assert float(known_focal_loss(torch.randn(3, 4), torch.full((3,), -1))) == 0
    wide = torch.randn(3, 4)
    assert torch.equal(known_focal_loss(wide, classes), focal_loss(wide[[0, 2]], torch.tensor([2, 0])))


def test_the_rules_loss_is_that_of_at_least_one() -> None:
    logits = torch.randn(5, 6)
    either = 1 - torch.prod(1 - torch.sigmoid(logits), dim=1)
    assert float(any_of_loss(logits)) == pytest.approx(float(((1 - either) ** 2 * -either.log()).mean()), rel=1e-4)
    assert float(any_of_loss(torch.full((1, 6), -3.0).index_fill_(1, torch.tensor([2]), 20.0))) < 1e-6
    assert float(any_of_loss(torch.empty(0, 6))) == 0


def test_drawings_have_exact_labels_and_splits_share_no_seed(tiny_ham: Path) -> None:
    made = phantoms(Split.VALIDATION, 6, SPEC)
    assert made.pixels.shape == (6, 64, 64, 3)
    assert set(np.unique(made.patterns[~np.isnan(made.patterns)])) <= {0, 1}
    assert set(made.bcc) <= {0, 1}
    again = phantoms(Split.VALIDATION, 6, SPEC)
    np.testing.assert_array_equal(made.pixels, again.pixels)
    seeds = sorted(FIRST_SEED.values())
    assert min(np.diff(seeds)) >= 1_000_000
    data = Ham10000(tiny_ham)
    painted = grafts(Split.TRAIN, data, split_by_lesion(data.records, 1)[Split.TRAIN], 5, SPEC)
    assert np.isnan(painted.bcc).all()
    assert not (painted.patterns[:, PN] == 0).any()


def test_a_real_picture_says_of_patterns_what_the_rule_says(tiny_ham: Path) -> None:
    data = Ham10000(tiny_ham)
    examples = Examples.load(data, data.records, SPEC)
    joint = real(examples, balance=0.5)
    bcc = joint.bcc == 1
    assert bool((joint.patterns[bcc][:, PN] == 0).all())
    assert bool(joint.patterns[bcc][:, SIX].isnan().all())
    assert bool((joint.patterns[~bcc][:, SIX] == 0).all())
    assert bool(joint.patterns[~bcc][:, PN].isnan().all())
    assert torch.equal(joint.rule, bcc)
    both = Joint.of([joint, drawn(phantoms(Split.TRAIN, 4, SPEC), SPEC)], [0.75, 0.25])
    assert len(both) == len(joint) + 4
    assert float(both.weight[-4:].sum()) == pytest.approx(0.25)


def test_thresholds_of_the_six_find_bcc_and_spare_the_others() -> None:
    generator = np.random.default_rng(1)
    bcc = np.arange(1000) < 100
    probabilities = generator.beta(1, 20, (1000, 6))
    probabilities[np.arange(100), generator.integers(6, size=100)] = generator.beta(8, 2, 100)
    found = (probabilities >= choose_thresholds(probabilities, bcc)).any(axis=1)
    assert found[bcc].mean() >= 0.9
    assert found[~bcc].mean() <= 0.15


@pytest.fixture(scope="module")
def tiny_isic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set in the layout of ISIC 2018 Task 2: dark blobs have a network."""
    folder = tmp_path_factory.mktemp("tiny-isic")
    (folder / "images").mkdir()
    with (folder / "metadata.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["image_id", "dx", "age", "sex", "site", "lesion_id", "pigment_network"])
        for number in range(80):
            image_id = f"ISIC_{number + 9000:07d}"
            rows.writerow([image_id, "nv", "", "male", "", "" if number % 2 else f"IL_{number // 4}", number % 3 == 0])
            picture(number, (96, 72), dark=number % 3 == 0).save(folder / "images" / f"{image_id}.jpg", quality=95)
    text = (folder / "metadata.csv").read_text().replace("True", "1").replace("False", "0")
    (folder / "metadata.csv").write_text(text)
    return folder


def test_expert_labels_are_split_by_lesion(tiny_isic: Path) -> None:
    data = Isic2018Task2(tiny_isic)
    parts = split_by_lesion(data.records, 1)
    groups = [{record.group for record in part} for part in parts.values()]
    assert not (groups[0] & groups[1])
    assert not (groups[0] & groups[2])
    assert not groups[1] & groups[2]
    assert data.pigment_network(data.records[0])
    assert not data.pigment_network(data.records[1])
    assert data.image(data.records[0]).size == (96, 72)


def test_another_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not the ISIC 2018"):
        Isic2018Task2(tmp_path)


def scribbles(split: Split, *rest: object) -> Drawn:
    """Stands in for drawings, which take seconds: the same labels for the same count, noise for pictures."""
    count = next(number for number in reversed(rest) if isinstance(number, int))
    generator = np.random.default_rng(FIRST_SEED[split] + count)
    patterns = (np.arange(count)[:, None] % 8 == np.arange(7)).astype(np.float32)
    pixels = generator.integers(0, 255, (count, 64, 64, 3), np.uint8)
    return Drawn(pixels, patterns, patterns[:, SIX].any(axis=1).astype(np.float32))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.evaluation.RESAMPLES", 20)
    monkeypatch.setattr("ml.pattern_evaluation.DRAWN_RESAMPLES", 10)
    monkeypatch.setattr("ml.pattern_evaluation.strangers", lambda: strangers(seeds=1))
    for module in ("refinement", "pattern_evaluation"):
        monkeypatch.setattr(f"ml.{module}.phantoms", scribbles)
        monkeypatch.setattr(f"ml.{module}.grafts", scribbles)


@pytest.mark.usefixtures("quick")
def test_a_run_goes_on_to_seven_patterns_and_becomes_a_bundle(
    tiny_ham: Path, tiny_isic: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, marked = Ham10000(tiny_ham), Isic2018Task2(tiny_isic)
    stages = (Stage("heads", cut=19, epochs=1, rate=1e-2, views=1),)
    Trainer(Config(weights="none", size=64, batch=16, stages=stages), data, tmp_path / "base").run()
    stages = (Stage("joint", cut=17, epochs=1, rate=1e-3, views=1),)
    config = JointConfig(weights="base", size=64, batch=16, stages=stages, phantoms=120, grafts=120)
    trainer = JointTrainer(config, tmp_path / "base", data, marked, tmp_path / "run")
    trainer.run()
    (row,) = trainer.history
    assert {"auc", "average_precision", "pn_auc", "drawn_auc", "six_auc", "lesion_accuracy"} <= row.keys()
    mixture = json.loads((tmp_path / "run" / "mixture.json").read_text())
    assert mixture["chosen"] in {share["tuned_share"] for share in mixture["shares"]}

    with pytest.raises(DataError, match="needs ISIC 2018"):
        release(tmp_path / "run", tmp_path / "tiny-2", data)
    release(tmp_path / "run", tmp_path / "tiny-2", data, marked, drawings=32)
    bundle = Bundle.load(tmp_path / "tiny-2")
    assert bundle.card.patterns == PATTERNS
    assert bundle.card.novelty is not None
    assert "expert labels" in bundle.card.targets[1].evidence
    assert {target.evidence for target in bundle.card.targets[2:]} == {"synthetic + rule, not clinically validated"}
    (result,) = Engine(bundle).run([picture()])
    assert list(result.patterns) == list(Pattern)
    arguments = ["evaluate", str(bundle.path), "--data", str(tiny_ham), "--structures", str(tiny_isic)]
    capsys.readouterr()
    assert main([*arguments, "--drawings", "32"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert {"rule", "pigment_network", "phantoms", "grafts", "abstention", "auc"} <= printed.keys()
    page = markdown(bundle.card)
    assert "not clinically validated" in page
    assert "## Abstention" in page
