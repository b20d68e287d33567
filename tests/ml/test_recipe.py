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
from ml.data.records import DataError
from ml.patterns import LESIONS
from ml.training.recipe.config import Recipe, claim, read
from ml.training.recipe.draws import Draws, stored
from ml.training.recipe.network import LesionNet
from ml.training.recipe.predictions import PATTERNS, PREDICTIONS, answer, turns, write
from ml.training.recipe.train import begin, choose_step, train, update
from ml.training.recipe.views import affine, at_low_resolution, cells_seen, views
from tests.ml.tiny_sets import write_clinics, write_milk

CPU = torch.device("cpu")
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
    return Draws(collections, held_out, RECIPE, stored(collections, 32))


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
    for pool, share in zip(draws.pools, RECIPE.shares.values(), strict=False):
        assert float(pool.weight.sum()) == pytest.approx(share)
        counts = torch.bincount(pool.lesion, minlength=len(LESIONS))
        each = {int(k): float(pool.weight[pool.lesion == k].sum()) for k in counts.nonzero()[:, 0]}
        total = sum(int(counts[k]) ** 0.5 for k in each)
        for kind, weight in each.items():
            assert weight == pytest.approx(share * int(counts[kind]) ** 0.5 / total)


def test_an_epoch_depends_on_its_seed_alone(draws: Draws) -> None:
    first, again, other = (next(iter(draws.epoch(seed, 32))) for seed in (1, 1, 2))
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.lesion, other.lesion)
    assert first.images.shape == (16, 3, 32, 32)
    assert first.cells.shape == (16, 16, 7)
    assert bool(first.present.isnan().all())  # nobody read these


def test_the_first_epochs_may_see_smaller_views(draws: Draws) -> None:
    growing = replace(RECIPE, small=24, small_epochs=2)
    assert [growing.size_in(epoch) for epoch in range(4)] == [24, 24, 32, 32]
    assert next(iter(draws.epoch(1, 24))).images.shape == (16, 3, 24, 24)


def test_a_view_shows_a_part_of_the_picture_in_its_range() -> None:
    image = torch.zeros(6, 3, 40, 40, dtype=torch.uint8)
    image[:, :, 10:30, 10:30] = 200
    generator = torch.Generator().manual_seed(1)
    seen = views(image, affine(6, generator), 32, generator)
    assert seen.shape == (6, 3, 32, 32)
    assert 0 <= float(seen.min()) < float(seen.max()) <= 255
    assert not torch.allclose(seen[0], seen[1])


def test_cells_go_where_the_view_puts_what_they_show() -> None:
    generator = torch.Generator().manual_seed(1)
    cells = torch.rand(40, 1, 4, 4, generator=generator)
    picture = F.interpolate(cells, (128, 128), mode="nearest").expand(-1, 3, -1, -1) * 255
    placed = affine(40, generator)
    seen = views(picture, placed, 112, generator)[:, :1]
    shown = F.avg_pool2d(seen, 28).flatten(2)[:, 0]
    expected = cells_seen(cells, placed)[..., 0]
    # Contrast and colour change with every view, the order of its cells doesn't.
    alike = [float(torch.corrcoef(torch.stack(pair))[0, 1]) for pair in zip(shown, expected, strict=True)]
    assert min(alike) > 0.95


def test_a_cell_that_nobody_knows_stays_unknown() -> None:
    cells = torch.zeros(1, 2, 4, 4)
    cells[:, 1] = torch.nan
    seen = cells_seen(cells, affine(1, torch.Generator().manual_seed(1)))
    assert bool((seen[..., 0] == 0).all())
    assert bool(seen[..., 1].isnan().all())


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
    del older["gamma"]
    (tmp_path / "config.json").write_text(json.dumps(older))
    claim(tmp_path, RECIPE)
    with pytest.raises(DataError, match="gamma differ"):
        claim(tmp_path, replace(RECIPE, gamma=2.0))


def test_a_run_may_start_from_the_weights_of_another(tmp_path: Path) -> None:
    first = begin(replace(RECIPE, seed=5), CPU).network
    save_file(
        {name: value.contiguous() for name, value in first.state_dict().items()}, tmp_path / "weights.safetensors"
    )
    again = begin(replace(RECIPE, initial=str(tmp_path / "weights.safetensors")), CPU).network
    assert torch.equal(first.lesion_head.weight, again.lesion_head.weight)


def test_the_average_moves_towards_the_weights() -> None:
    before, now = torch.zeros(3), torch.ones(3)
    update([before], [now], 0.75)
    assert torch.allclose(before, torch.full((3,), 0.25))


def test_the_three_steps_are_heads_everything_and_pattern_heads() -> None:
    network = LesionNet(cut=2).train()
    learning = []
    for done in (0.1, 0.5, 0.9):
        choose_step(network, done)
        learning.append([network.features[5].training, network.bcc_head.weight.requires_grad])
        assert all(p.requires_grad == network.features[5].training for p in network.features[2:].parameters())
        assert network.cell_head.weight.requires_grad
    assert learning == [[False, True], [True, True], [False, False]]


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
    assert found.cells.shape == (3, 16, 7)


def test_predictions_are_of_the_held_out_images(
    collections: list[Collection], held_out: frozenset[str], tmp_path: Path
) -> None:
    write(tmp_path, LesionNet().eval(), collections, held_out, 32)
    with np.load(tmp_path / PREDICTIONS) as found, np.load(tmp_path / PATTERNS) as patterns:
        assert set(found["group"].tolist()) == held_out
        assert len(found["logits"]) == len(found["features"]) == len(found["image_id"])
        assert found["image_id"].tolist() == patterns["image_id"].tolist()
        assert patterns["cells"].shape == (len(found["image_id"]), 16, 7)
        assert np.allclose(patterns["scores"], np.sort(patterns["cells"], axis=1)[:, -3:].mean(axis=1))
