"""Seven patterns from three kinds of images, each of which teaches only what it has labels for."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from justhtml import JustHTML
from PIL import Image

from ml.__main__ import main
from ml.bundle import Bundle
from ml.data.examples import PATTERNS, PN, SIX
from ml.data.ham10000 import Ham10000
from ml.data.isic2019 import Isic2019LowResolution
from ml.data.mixture import SHARES, Sources, by_the_rule, mixed, of_drawn, photographs, structures
from ml.data.records import DataError
from ml.data.splits import Split, split_by_lesion
from ml.data.synthetic import FIRST_SEED, MASK_SIDE, Drawn, grafts, phantoms
from ml.data.task2 import Isic2018Task2
from ml.engine import Engine
from ml.evaluation.criteria import CRITERIA
from ml.evaluation.out_of_distribution import images
from ml.imaging.preprocessing import PreprocessingSpec
from ml.patterns import Lesion, Pattern
from ml.release.build import release
from ml.release.patterns import choose_thresholds
from ml.report.files import read_report
from ml.report.model_card import markdown
from ml.training.augmentation import at_low_resolution, augment_with_masks
from ml.training.config import Config, Stage
from ml.training.stages import Trainer
from tests.ml.support import picture

SPEC = PreprocessingSpec(size=64)


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


def test_the_labels_of_a_real_image_follow_the_rule(tiny_ham: Path) -> None:
    data = Ham10000(tiny_ham)
    examples = by_the_rule(photographs(data, data.records, SPEC))
    bcc = examples.bcc == 1
    assert bool((examples.patterns[bcc][:, PN] == 0).all())
    assert bool(examples.patterns[bcc][:, SIX].isnan().all())
    assert bool((examples.patterns[~bcc][:, SIX] == 0).all())
    assert bool(examples.patterns[~bcc][:, PN].isnan().all())
    assert torch.equal(examples.rule, bcc)
    assert not examples.masks.any()


def test_a_drawing_has_the_outline_of_each_of_its_patterns() -> None:
    examples = of_drawn(phantoms(Split.TRAIN, 6, SPEC))
    covered = examples.masks.float().mean(dim=(2, 3)) / 255
    assert bool((covered[examples.patterns == 1] > 0).all())
    assert bool((covered[examples.patterns == 0] == 0).all())
    assert bool((examples.lesion == -1).all())


def test_the_network_marked_by_experts_moves_with_its_image(tiny_isic: Path) -> None:
    """The masks and the pixels of a view undergo the same transformation."""
    data = Isic2018Task2(tiny_isic)
    examples = structures(data, data.records[:12], SPEC)
    assert bool((examples.bcc == 0).all())
    assert set(examples.patterns[:, PN].tolist()) == {0.0, 1.0}
    dark = 255 - examples.pixels.float().mean(dim=1, keepdim=True)
    pixels, masks = augment_with_masks(dark.expand(-1, 3, -1, -1), dark, torch.Generator().manual_seed(1))
    moved = torch.stack([pixels.mean(dim=1).flatten(1), masks[:, 0].flatten(1)])
    assert all(np.corrcoef(*pair)[0, 1] > 0.6 for pair in moved.transpose(0, 1).numpy())


def test_every_source_has_its_share_and_blur_says_nothing_of_bcc(tiny_ham: Path, tiny_bcn: Path) -> None:
    ham, clinics = Ham10000(tiny_ham), Isic2019LowResolution(tiny_bcn)
    assert {record.lesion for record in clinics.records} == {Lesion.BCC, Lesion.AKIEC, Lesion.NV, None}
    assert all(record.group.startswith("BCN_") for record in clinics.records)
    parts = {
        "ham": photographs(ham, ham.records, SPEC),
        "drawn": of_drawn(phantoms(Split.TRAIN, 4, SPEC)),
        "clinics": photographs(clinics, clinics.records, SPEC),
    }
    whole = mixed(parts, balance=0.5)
    assert len(whole) == sum(map(len, parts.values()))
    ends = np.cumsum([len(part) for part in parts.values()])
    shares = [float(part.sum()) for part in whole.weight.tensor_split(torch.tensor(ends[:-1]))]
    expected = np.array([SHARES[name] for name in parts])
    assert shares == pytest.approx((expected / expected.sum()).tolist(), rel=1e-4)

    def share_of_bcc(start: int, end: int) -> float:
        weight, bcc = whole.weight[start:end], whole.bcc[start:end] == 1
        return float(weight[bcc].sum() / weight.sum())

    assert share_of_bcc(ends[1], ends[2]) == pytest.approx(share_of_bcc(0, ends[0]), rel=1e-4)
    assert bool((whole.blurred[: ends[0]] > 0).all())
    assert not whole.blurred[ends[0] :].any()


def test_low_resolution_keeps_the_size_and_loses_the_texture() -> None:
    images = torch.rand(2, 3, 64, 64) * 255
    coarse = at_low_resolution(images, 21)
    assert coarse.shape == images.shape
    assert coarse.std() < 0.7 * images.std()
    assert coarse.mean() == pytest.approx(float(images.mean()), rel=0.02)


def test_thresholds_of_the_six_find_bcc_and_spare_the_others() -> None:
    generator = np.random.default_rng(1)
    bcc = np.arange(1000) < 100
    probabilities = generator.beta(1, 20, (1000, 6))
    probabilities[np.arange(100), generator.integers(6, size=100)] = generator.beta(8, 2, 100)
    found = np.any(probabilities >= choose_thresholds(probabilities, bcc), axis=1)
    assert found[bcc].mean() >= 0.9
    assert found[~bcc].mean() <= 0.15


@pytest.fixture(scope="module")
def tiny_isic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set laid out like ISIC 2018 Task 2: dark blobs have a network."""
    folder = tmp_path_factory.mktemp("tiny-isic")
    (folder / "images").mkdir()
    marks = folder / "attribute_masks" / "pigment_network"
    marks.mkdir(parents=True)
    with (folder / "metadata.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["image_id", "dx", "age", "sex", "site", "lesion_id", "pigment_network"])
        for number in range(80):
            image_id = f"ISIC_{number + 9000:07d}"
            rows.writerow([image_id, "nv", "", "male", "", "" if number % 2 else f"IL_{number // 4}", number % 3 == 0])
            picture(number, (96, 72), dark=number % 3 == 0).save(folder / "images" / f"{image_id}.jpg", quality=95)
            if number % 3 == 0:
                mask = Image.new("1", (64, 48))
                mask.paste(1, (20, 12, 44, 36))
                mask.save(marks / f"{image_id}.png")
    text = (folder / "metadata.csv").read_text().replace("True", "1").replace("False", "0")
    (folder / "metadata.csv").write_text(text)
    return folder


@pytest.fixture(scope="module")
def tiny_bcn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set laid out like ISIC 2019 at 84 pixels; one image is from another clinic."""
    folder = tmp_path_factory.mktemp("tiny-bcn")
    (folder / "images").mkdir()
    with (folder / "metadata.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["image_id", "dx", "lesion_id", "age", "sex", "site"])
        for number in range(60):
            image_id, kind = f"ISIC_{number + 50_000:07d}", ("bcc", "ak", "nv", "scc")[number % 4]
            rows.writerow([image_id, kind, "MSK4_0000001" if number == 7 else f"BCN_{number}", "", "", ""])
            picture(number, (84, 84), dark=kind == "bcc").save(folder / "images" / f"{image_id}.jpg", quality=95)
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
    """A fast stand-in for drawings: noise as images, labels determined by the count."""
    count = next(number for number in reversed(rest) if isinstance(number, int))
    spec = next(spec for spec in rest if isinstance(spec, PreprocessingSpec))
    generator = np.random.default_rng(FIRST_SEED[split] + count)
    patterns = (np.arange(count)[:, None] % 8 == np.arange(7)).astype(np.float32)
    pixels = generator.integers(0, 255, (count, spec.size, spec.size, 3), np.uint8)
    masks = generator.integers(0, 255, (count, 7, MASK_SIDE, MASK_SIDE), np.uint8) * (patterns > 0)[:, :, None, None]
    return Drawn(pixels, patterns, patterns[:, SIX].any(axis=1).astype(np.float32), masks.astype(np.uint8))


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ml.evaluation.bootstrap.RESAMPLES", 20)
    monkeypatch.setattr("ml.evaluation.out_of_distribution.images", lambda: images(seeds=1))
    for module in ("ml.data.synthetic", "ml.evaluation.held_out"):
        monkeypatch.setattr(f"{module}.phantoms", scribbles)
        monkeypatch.setattr(f"{module}.grafts", scribbles)


@pytest.mark.usefixtures("quick")
def test_seven_patterns_are_learnt_from_three_data_sets_and_become_a_bundle(
    tiny_ham: Path, tiny_isic: Path, tiny_bcn: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = Sources(Ham10000(tiny_ham), Isic2018Task2(tiny_isic), Isic2019LowResolution(tiny_bcn))
    stages = (Stage("heads", cut=19, epochs=1, rate=1e-2, views=1), Stage("last", cut=17, epochs=1, rate=1e-3))
    config = Config(weights="none", size=64, batch=16, draws=128, drawings=160, stages=stages)
    trainer = Trainer(config, sources, tmp_path / "run")
    trainer.run()
    assert {"auc", "average_precision", "pn_auc", "drawn_auc", "six_auc", "clinics_auc"} <= trainer.history[-1].keys()
    assert "drawings, mean ROC-AUC" in (tmp_path / "run" / "curves.svg").read_text()

    with pytest.raises(DataError, match="needs ISIC 2018"):
        release(tmp_path / "run", tmp_path / "tiny-2", Sources(sources.ham))
    release(tmp_path / "run", tmp_path / "tiny-2", sources, drawings=32, size=96)
    bundle = Bundle.load(tmp_path / "tiny-2")
    assert bundle.card.patterns == PATTERNS
    assert bundle.card.preprocessing.size == 96
    assert bundle.card.training["command"].endswith("--seed 1 --structures ISIC2018 --other-clinics ISIC2019")
    assert bundle.card.novelty is not None
    assert "expert labels" in bundle.card.targets[1].evidence
    assert {target.evidence for target in bundle.card.targets[2:]} == {"synthetic + rule, not clinically validated"}
    (result,) = Engine(bundle).run([picture()])
    assert list(result.patterns) == list(Pattern)
    sets = ["--data", str(tiny_ham), "--structures", str(tiny_isic), "--other-clinics", str(tiny_bcn)]
    capsys.readouterr()
    assert main(["evaluate", str(bundle.path), *sets, "--drawings", "32", "--output", str(tmp_path / "out")]) == 0
    printed = capsys.readouterr().out
    assert all(criterion.name in printed for criterion in CRITERIA)
    found = read_report(tmp_path / "out" / "report.json", bundle.card)
    assert {"rule", "coding", "pigment_network", "phantoms", "grafts", "subgroups", "other_clinics"} <= found.keys()
    assert found["alignment"]  # a pattern that so short a training never lights up has no row
    html = (tmp_path / "out" / "report.html").read_text()
    assert not JustHTML(html, collect_errors=True).errors
    assert main(["card", str(bundle.path), "--report", str(tmp_path / "out" / "report.json")]) == 0
    page = capsys.readouterr().out
    assert "not clinically validated" in page
    for title in ("Criteria", "Patterns", "Heatmaps", "Subgroups", "Other clinics", "Abstention"):
        assert f"## {title}" in page
    assert "## Patterns" in markdown(bundle.card)  # the card alone carries the main figures
