"""Which patterns of an image are known, how often it is drawn, and who teaches what nobody labelled."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ml.data.collections import HAM, MARKED, Collection, read_collections
from ml.data.readings import PATTERNS
from ml.data.records import DataError
from ml.patterns import Pattern
from ml.training.recipe.config import Recipe, claim
from ml.training.recipe.draws import Draws, Pool, stored
from ml.training.recipe.network import LesionNet
from ml.training.recipe.occlusions import occlude
from ml.training.recipe.pattern_labels import Known, PatternLabels, labels_of, read_pattern_labels
from ml.training.recipe.teachers import Teachers
from ml.training.recipe.weights import WEIGHTS
from tests.ml.phantom_sets import write_sets

PN = PATTERNS.index(Pattern.PN)
RECIPE = Recipe(weights="none", held_out="0", size=32, evaluated=32, draws=32, batch=16, cut=2)


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    options = write_sets(tmp_path_factory.mktemp("sets"), lesions=10)
    return dict(zip(options[::2], map(Path, options[1::2]), strict=True))


@pytest.fixture(scope="module")
def known(sets: dict[str, Path]) -> Known:
    return read_pattern_labels(sets["--readings"], sets["--structures"])


@pytest.fixture(scope="module")
def collections(sets: dict[str, Path]) -> list[Collection]:
    return read_collections(sets["--ham"], sets["--milk"], None, None, sets["--structures"])


def test_pigment_network_is_known_from_experts_alone_and_the_six_from_readers(
    known: Known, collections: list[Collection]
) -> None:
    for each in collections:
        names = [item.image_id for item in each.items if item.image_id in known]
        present, cells = labels_of(known, names)
        by_experts = each.name == MARKED
        assert len(names) > 0
        for number in range(len(PATTERNS)):
            unknown = (number == PN) is not by_experts
            assert bool(present[:, number].isnan().all()) is unknown
            assert bool(cells[:, number].isnan().all()) is unknown


def test_of_an_image_that_nobody_looked_at_nothing_is_known(known: Known) -> None:
    present, cells = labels_of(known, ["no such image"])
    assert bool(present.isnan().all())
    assert bool(cells.isnan().all())


def test_an_image_with_labels_is_drawn_more_often_than_others_of_its_type(collections: list[Collection]) -> None:
    ham = next(each for each in collections if each.name == HAM)
    pixels = stored([ham], 32)[HAM]
    first, other = [item for item in ham.items if item.diagnosis == ham.items[0].diagnosis][:2]
    labels = PatternLabels(torch.ones(len(PATTERNS)), torch.ones(len(PATTERNS), 4, 4))
    pool = Pool.of(ham, frozenset(), replace(RECIPE, labelled=3.0), {first.image_id: labels}, pixels)
    weight = dict(zip((item.image_id for item in ham.items), pool.weight.tolist(), strict=True))
    assert weight[first.image_id] == pytest.approx(3 * weight[other.image_id])


def test_hair_ink_and_circle_lie_over_some_images_and_not_over_others(collections: list[Collection]) -> None:
    images = torch.full((40, 3, 64, 64), 200.0)
    seen = occlude(images, 0.3, torch.Generator().manual_seed(1))
    changed = (seen != images).flatten(1).any(dim=1)
    assert 0 < int(changed.sum()) < 40
    assert float(seen.max()) <= 200
    assert torch.equal(occlude(images, 0.0, torch.Generator().manual_seed(1)), images)
    plain, covered = (
        next(Draws(collections, frozenset(), replace(RECIPE, occlusions=share), stored(collections, 32)).epoch(1, 32))
        for share in (0.0, 1.0)
    )
    assert float(covered.images.mean()) < float(plain.images.mean())


def test_teachers_are_finished_runs_and_each_is_asked(tmp_path: Path) -> None:
    for seed in (1, 2):
        torch.manual_seed(seed)
        claim(tmp_path / str(seed), RECIPE)
        weights = {name: value.contiguous() for name, value in LesionNet(cut=2).state_dict().items()}
        save_file(weights, tmp_path / str(seed) / WEIGHTS)
    teachers = Teachers([str(tmp_path / "1"), str(tmp_path / "2")], torch.device("cpu"))
    generator, images = torch.Generator().manual_seed(1), torch.zeros(1, 3, 32, 32)
    said = {round(float(teachers.lesson(images, generator).bcc), 5) for _ in range(12)}
    alone = {round(float(network(images).bcc.detach().sigmoid()), 5) for network in teachers.networks}
    assert said == alone
    assert len(alone) == 2
    with pytest.raises(DataError, match="no run"):
        Teachers([str(tmp_path / "3")], torch.device("cpu"))
