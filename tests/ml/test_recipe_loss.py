"""The loss: what counts, what doesn't, and what a teacher changes."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from ml.training.recipe.config import Recipe
from ml.training.recipe.draws import Batch
from ml.training.recipe.loss import loss_of
from ml.training.recipe.network import Scores
from ml.training.recipe.teachers import Lesson

RECIPE = Recipe(weights="none", held_out="0", smoothing=0.05)
GENERATOR = torch.Generator().manual_seed(1)
IMAGES = torch.rand(4, 3, 32, 32, generator=GENERATOR)
SCORES = Scores(*(torch.randn(*shape, generator=GENERATOR) for shape in ((4,), (4, 9), (4, 16, 7), (4, 7))))
LESION = torch.tensor([1, 5, 1, 7])


def batch(read: int = 0) -> Batch:
    """The first `read` images have labels of every pattern."""
    present, cells = torch.full((4, 7), torch.nan), torch.full((4, 16, 7), torch.nan)
    present[:read], cells[:read] = 1.0, 0.25
    return Batch(IMAGES, LESION, present, cells)


def loss(given: Batch, lesson: Lesson | None = None, recipe: Recipe = RECIPE, scores: Scores = SCORES) -> float:
    return float(loss_of(lambda _: scores, IMAGES, given, lesson, recipe, torch.Generator().manual_seed(1)))


def diagnosis() -> Tensor:
    smooth = F.one_hot(LESION, 9) * 0.95 + 0.05 / 9
    return F.cross_entropy(SCORES.lesion, smooth) + F.binary_cross_entropy_with_logits(
        SCORES.bcc, (LESION == 1).float()
    )


def test_an_image_that_nobody_read_teaches_the_diagnosis_alone() -> None:
    assert loss(batch()) == pytest.approx(float(diagnosis()), abs=1e-5)


def test_each_pattern_counts_the_same_however_many_labels_it_has() -> None:
    cells = F.binary_cross_entropy_with_logits(SCORES.cells[:2], torch.full((2, 16, 7), 0.25), reduction="none")
    whole = F.binary_cross_entropy_with_logits(SCORES.present[:2], torch.ones(2, 7), reduction="none")
    expected = diagnosis() + cells.mean(dim=(0, 1)).sum() + 0.25 * whole.mean(dim=0).sum()
    assert loss(batch(2)) == pytest.approx(float(expected), abs=1e-5)
    assert loss(batch(2), recipe=replace(RECIPE, patterns=0.0)) == pytest.approx(float(diagnosis()), abs=1e-5)


def test_a_teacher_who_agrees_changes_nothing_and_one_who_does_not_does() -> None:
    smooth = F.one_hot(LESION, 9) * 0.95 + 0.05 / 9
    cells = torch.full((4, 16, 7), 0.25)
    agrees = Lesson((LESION == 1).float(), smooth, cells)
    assert loss(batch(4), agrees) == pytest.approx(loss(batch(4)), abs=1e-5)
    for part in range(3):
        differs = [1 - column if part == number else column for number, column in enumerate(agrees)]
        assert loss(batch(4), Lesson(*differs)) != pytest.approx(loss(batch(4)), abs=1e-3)


def test_a_teacher_says_where_patterns_are_in_images_that_nobody_read() -> None:
    lesson = Lesson(torch.zeros(4), torch.full((4, 9), 1 / 9), torch.full((4, 16, 7), 0.5))
    other = lesson._replace(cells=torch.full((4, 16, 7), 0.1))
    assert loss(batch(), lesson) != pytest.approx(loss(batch(), other), abs=1e-3)


def test_focal_loss_forgives_what_is_right_already() -> None:
    sure = SCORES._replace(bcc=torch.tensor([9.0, -9.0, 9.0, -9.0]), lesion=F.one_hot(LESION, 9) * 9.0)
    plain, focal = (loss(batch(), recipe=replace(RECIPE, gamma=gamma), scores=sure) for gamma in (0.0, 2.0))
    assert focal < plain


def test_mixup_mixes_pictures_and_targets_alike() -> None:
    seen: list[Tensor] = []

    def forward(images: Tensor) -> Scores:
        seen.append(images)
        return SCORES

    torch.manual_seed(1)
    recipe = replace(RECIPE, mixup=0.5, smoothing=0.0)
    found = float(loss_of(forward, IMAGES, batch(), None, recipe, torch.Generator().manual_seed(1)))
    other = torch.randperm(4, generator=torch.Generator().manual_seed(1))
    kept = float(((seen[0] - IMAGES[other]) / (IMAGES - IMAGES[other])).nanmedian())
    targets = torch.lerp(F.one_hot(LESION, 9)[other].float(), F.one_hot(LESION, 9).float(), kept)
    expected = F.cross_entropy(SCORES.lesion, targets) + F.binary_cross_entropy_with_logits(SCORES.bcc, targets[:, 1])
    assert found == pytest.approx(float(expected), abs=1e-4)
