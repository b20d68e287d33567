"""What is learnt: the lesion type, BCC or not, and the patterns, where each is known or a teacher has a view on it."""

from collections.abc import Callable
from typing import Final

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from ml.patterns import LESIONS, Lesion
from ml.training.recipe.config import Recipe
from ml.training.recipe.draws import Batch
from ml.training.recipe.network import Scores
from ml.training.recipe.teachers import Lesson

_BCC: Final = LESIONS.index(Lesion.BCC)
# How much a teacher's cells count in an image that nobody read, and a whole image beside its cells.
_UNREAD: Final = 0.3
_WHOLE: Final = 0.25


def loss_of(
    forward: Callable[[Tensor], Scores],
    images: Tensor,
    batch: Batch,
    lesson: Lesson | None,
    recipe: Recipe,
    generator: Generator,
) -> Tensor:
    """Cross-entropy over nine types, plus the binary cross-entropies of BCC and of the patterns.

    The targets are the smoothed diagnosis and the merged labels, mixed with what the teacher says of the same view.
    `images`: the batch's, normalised.
    """
    bcc, lesion = (batch.lesion == _BCC).float(), _smoothed(batch.lesion, recipe.smoothing)
    cells, present, weight = batch.cells, batch.present, (~batch.cells.isnan()).float()
    if lesson is not None:
        share = recipe.teacher_share
        bcc, lesion = torch.lerp(bcc, lesson.bcc, share), torch.lerp(lesion, lesson.lesion, share)
        cells = torch.where(cells.isnan(), lesson.cells, torch.lerp(cells, lesson.cells, share))
        weight = weight.clamp(min=_UNREAD)
    if recipe.mixup:
        kept = float(torch.distributions.Beta(recipe.mixup, recipe.mixup).sample())
        other = torch.randperm(len(images), generator=generator).to(images.device)
        images, bcc, lesion, cells, present = (
            torch.lerp(part[other], part, kept) for part in (images, bcc, lesion, cells, present)
        )
        weight = weight * weight[other]
    scores = forward(images)
    total = _types(scores.lesion, lesion, recipe.gamma) + _binary(scores.bcc, bcc, recipe.gamma).mean()
    if recipe.patterns:
        total = total + recipe.patterns * _patterns(scores, cells, present, weight)
    return total


def _smoothed(lesion: Tensor, smoothing: float) -> Tensor:
    kinds = len(LESIONS)
    return F.one_hot(lesion, kinds) * (1 - smoothing) + smoothing / kinds


def _types(logits: Tensor, targets: Tensor, gamma: float) -> Tensor:
    log = logits.float().log_softmax(dim=1)
    return -(targets * (1 - log.exp()) ** gamma * log).sum(dim=1).mean()


def _binary(logits: Tensor, targets: Tensor, gamma: float = 0.0) -> Tensor:
    logits = logits.float()
    terms = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return terms * (logits.sigmoid() - targets).abs() ** gamma if gamma else terms


def _patterns(scores: Scores, cells: Tensor, present: Tensor, weight: Tensor) -> Tensor:
    """Each pattern counts the same, however many of the images have a label of it."""
    local = _binary(scores.cells, cells.nan_to_num()) * weight
    known = ~present.isnan()
    whole = _binary(scores.present, present.nan_to_num()) * known
    return (local.sum(dim=(0, 1)) / weight.sum(dim=(0, 1)).clamp(min=1)).sum() + _WHOLE * (
        whole.sum(dim=0) / known.sum(dim=0).clamp(min=1)
    ).sum()
