"""The recipe over several collections: what is drawn, what a run folder accepts, and that training learns."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

from ml.data.collections import CLINICS, Collection, fold_of, read_collections
from ml.data.diagnoses import DIAGNOSES
from ml.data.records import DataError
from ml.training.recipe.config import Recipe, claim, read
from ml.training.recipe.draws import Batch, Draws
from ml.training.recipe.network import LesionNet
from ml.training.recipe.predictions import answer, turns, write
from ml.training.recipe.train import begin, loss_of, normalise, train, update
from ml.training.recipe.views import at_low_resolution, views
from tests.ml.tiny_sets import write_clinics, write_milk

RECIPE = Recipe(weights="none", held_out="0", size=32, evaluated=32, epochs=2, draws=48, batch=16, cut=2, rate=3e-3)


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory, tiny_ham: Path) -> list[Collection]:
    folder = tmp_path_factory.mktemp("sets")
    return read_collections(tiny_ham, write_milk(folder / "milk.zip", 40), write_clinics(folder / "clinics.zip"))


@pytest.fixture(scope="module")
def held_out(collections: list[Collection]) -> frozenset[str]:
    items = [item for each in collections if each.name != CLINICS for item in each.items]
    return frozenset(group for group, fold in fold_of(items, 1).items() if fold == 0)


@pytest.fixture(scope="module")
def draws(collections: list[Collection], held_out: frozenset[str]) -> Draws:
    return Draws(collections, held_out, RECIPE)


def test_a_folder_of_another_run_is_refused_by_what_differs(tmp_path: Path) -> None:
    claim(tmp_path / "run", RECIPE)
    claim(tmp_path / "run", RECIPE)
    with pytest.raises(DataError, match=r"holds another run: rate, seed differ"):
        claim(tmp_path / "run", replace(RECIPE, seed=2, rate=1e-4))
    assert read(tmp_path / "run") == RECIPE


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no run"):
        read(tmp_path)


def test_nothing_held_out_is_ever_drawn(draws: Draws, collections: list[Collection], held_out: frozenset[str]) -> None:
    for pool, each in zip(draws.pools, collections, strict=True):
        drawn = {each.items[row].group for row in pool.rows.tolist()}
        assert not drawn & held_out
        assert len(pool.rows) + sum(item.group in held_out for item in each.items) == len(each.items)


def test_collections_have_their_shares_and_rare_types_are_drawn_more_often(draws: Draws) -> None:
    for pool, share in zip(draws.pools, RECIPE.shares.values(), strict=True):
        assert float(pool.weight.sum()) == pytest.approx(share)
        counts = torch.bincount(pool.lesion, minlength=len(DIAGNOSES))
        each = {int(k): float(pool.weight[pool.lesion == k].sum()) for k in counts.nonzero()[:, 0]}
        total = sum(int(counts[k]) ** 0.5 for k in each)
        for kind, weight in each.items():
            assert weight == pytest.approx(share * int(counts[kind]) ** 0.5 / total)


def test_an_epoch_depends_on_its_seed_alone(draws: Draws) -> None:
    first, again, other = (next(iter(draws.epoch(seed, 32))) for seed in (1, 1, 2))
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.lesion, other.lesion)
    assert first.images.shape == (16, 3, 32, 32)
    assert set(first.bcc.tolist()) <= {0.0, 1.0}


def test_the_first_epochs_may_see_smaller_views(draws: Draws) -> None:
    growing = replace(RECIPE, small=24, small_epochs=2)
    assert [growing.size_in(epoch) for epoch in range(4)] == [24, 24, 32, 32]
    assert next(iter(draws.epoch(1, 24))).images.shape == (16, 3, 24, 24)


def test_a_view_shows_a_part_of_the_picture_in_its_range() -> None:
    image = torch.zeros(6, 3, 40, 40, dtype=torch.uint8)
    image[:, :, 10:30, 10:30] = 200
    seen = views(image, 32, torch.Generator().manual_seed(1))
    assert seen.shape == (6, 3, 32, 32)
    assert 0 <= float(seen.min()) < float(seen.max()) <= 255
    assert not torch.allclose(seen[0], seen[1])


def test_low_resolution_is_that_of_isic_2019() -> None:
    checks = (torch.arange(200) % 2 * 255).expand(1, 3, 200, 200).to(torch.uint8)
    small = at_low_resolution(checks)
    assert small.shape == (1, 3, 84, 84)
    assert float(small.float().std()) < 40  # stripes of one pixel are gone


def test_frozen_blocks_keep_weights_and_statistics() -> None:
    network = LesionNet(cut=3).train()
    assert not any(module.training for block in network.features[:3] for module in block.modules())
    assert network.features[3].training
    assert all(
        p.requires_grad == (not name.startswith(("features.0.", "features.1.", "features.2.")))
        for name, p in network.named_parameters()
    )


def test_a_run_of_an_older_configuration_is_what_the_defaults_say(tmp_path: Path) -> None:
    claim(tmp_path, RECIPE)
    older = json.loads((tmp_path / "config.json").read_text())
    del older["teachers"]
    (tmp_path / "config.json").write_text(json.dumps(older))
    claim(tmp_path, RECIPE)
    with pytest.raises(DataError, match="teachers differ"):
        claim(tmp_path, replace(RECIPE, teachers="runs"))


def test_a_run_may_start_from_the_weights_of_another(tmp_path: Path) -> None:
    first = begin(replace(RECIPE, seed=5)).network
    save_file(
        {name: value.contiguous() for name, value in first.state_dict().items()}, tmp_path / "weights.safetensors"
    )
    again = begin(replace(RECIPE, initial=str(tmp_path / "weights.safetensors"))).network
    assert torch.equal(first.lesion_head.weight, again.lesion_head.weight)


def test_a_student_learns_what_teachers_said_of_images_withheld_from_them(
    collections: list[Collection], held_out: frozenset[str], tmp_path: Path
) -> None:
    (tmp_path / "fold-0").mkdir()
    write(tmp_path / "fold-0" / "predictions.npz", LesionNet().eval(), collections, held_out, 32)
    taught = Draws(collections, frozenset(), replace(RECIPE, teachers=str(tmp_path)))
    known = [~pool.taught[:, 0].isnan() for pool in taught.pools]
    assert [int(rows.sum()) for rows in known] == [12, 8, 0]
    assert torch.allclose(taught.pools[0].taught[known[0], 1:].sum(dim=1), torch.ones(12), atol=1e-5)
    with pytest.raises(DataError, match="no predictions"):
        Draws(collections, frozenset(), replace(RECIPE, teachers=str(tmp_path / "none")))


def test_teachers_count_only_where_they_say_something() -> None:
    network = LesionNet().eval()
    lesson = torch.full((2, 10), 0.1)
    images, bcc, lesion = torch.rand(2, 3, 32, 32) * 255, torch.tensor([1.0, 0.0]), torch.tensor([1, 5])
    silent = Batch(images, bcc, lesion, torch.full_like(lesson, torch.nan))
    plain = loss_of(network, silent, 0.05)
    assert torch.allclose(loss_of(network, silent, 0.05, teacher_share=0.5), plain)
    scores = network(normalise(images))
    expected = F.cross_entropy(scores.lesion, F.one_hot(lesion, 9) * 0.95 + 0.05 / 9)
    expected = expected + F.binary_cross_entropy_with_logits(scores.bcc, bcc)
    assert torch.allclose(plain, expected, atol=1e-5)
    assert not torch.allclose(loss_of(network, Batch(images, bcc, lesion, lesson), 0.05, teacher_share=0.5), plain)


def test_the_average_moves_towards_the_weights() -> None:
    state = begin(RECIPE)
    before = state.average["bcc_head.weight"].clone()
    with torch.no_grad():
        state.network.bcc_head.weight += 1
    update(state.average, state.network, 0.75)
    assert torch.allclose(state.average["bcc_head.weight"], before + 0.25)


@pytest.mark.slow
def test_an_interrupted_run_ends_as_an_uninterrupted_one(draws: Draws, tmp_path: Path) -> None:
    whole = train(RECIPE, draws, tmp_path / "whole")
    assert train(RECIPE, draws, tmp_path / "parts", until=1) is None
    parts = train(RECIPE, draws, tmp_path / "parts")
    assert whole is not None
    assert parts is not None
    for name, value in whole.state_dict().items():
        assert torch.allclose(value, parts.state_dict()[name], atol=1e-6), name
    assert [row["epoch"] for row in json.loads((tmp_path / "parts" / "history.json").read_text())] == [1, 2]


@pytest.mark.slow
def test_training_lowers_the_loss(draws: Draws, tmp_path: Path) -> None:
    train(replace(RECIPE, epochs=5, draws=96), draws, tmp_path)
    losses = [row["loss"] for row in json.loads((tmp_path / "history.json").read_text())]
    assert losses[-1] < losses[0] * 0.8


def test_four_views_are_the_picture_and_its_mirror_images() -> None:
    image = torch.arange(12.0).view(1, 3, 2, 2)
    plain, mirrored, upside_down, both = turns(image)
    assert torch.equal(plain, image)
    assert torch.equal(mirrored, image.flip(-1))
    assert torch.equal(upside_down.flip(-1), both)


def test_answers_are_per_view_with_pooled_stages() -> None:
    torch.manual_seed(1)
    network = LesionNet().eval()
    pixels = np.random.default_rng(1).integers(0, 255, (3, 32, 32, 3), np.uint8)
    found = answer(network, pixels)
    assert found.logits.shape == (3, 4, 10)
    assert found.features.shape == (3, 3 * (32 + 64 + 96 + 160 + 320 + 1280))
    mirrored = answer(network, pixels[:, :, ::-1])
    assert np.allclose(found.logits[:, 0], mirrored.logits[:, 1], atol=1e-4)
    assert np.allclose(found.features, mirrored.features, atol=1e-2)


def test_predictions_are_of_the_held_out_images(
    collections: list[Collection], held_out: frozenset[str], tmp_path: Path
) -> None:
    write(tmp_path / "predictions.npz", LesionNet().eval(), collections, held_out, 32)
    with np.load(tmp_path / "predictions.npz") as found:
        assert set(found["group"].tolist()) == held_out
        assert len(found["logits"]) == len(found["features"]) == len(found["image_id"])
