"""Heads that learn from the readers' cells."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ml.training.cell_heads import CellHeads, fit, pooled, to_cells


def made(images: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Cells with four features; the second, on a scale of its own, is where the pattern is."""
    generator = np.random.default_rng(1)
    named = np.zeros((images, 16, 1))
    named[: images // 2, 5] = 1.0
    cells = generator.normal(0, 1, (images, 16, 4)) * [1, 0.02, 50, 1] + [0, 3, 0, 1]
    cells[..., 1] += 0.1 * named[..., 0]
    return cells, named


def test_a_head_learns_in_which_cell_a_pattern_is() -> None:
    cells, named = made()
    heads = fit(cells[::2], named[::2], penalty=1e-4)
    logits = heads.logits(cells[1::2])
    there = named[1::2].any(axis=(1, 2))
    assert (logits[there, :, 0].argmax(axis=1) == 5).mean() > 0.95
    assert heads.weight.shape == (4, 1)


def test_an_image_scores_by_its_highest_cells() -> None:
    logits = np.full((2, 16, 1), -5.0)
    logits[0, [2, 7, 11], 0] = [1.0, 2.0, 3.0]
    assert pooled(logits)[:, 0].tolist() == [2.0, -5.0]


@pytest.mark.parametrize("size", [24, 12, 6])
def test_cells_are_means_of_the_enlarged_map(size: int) -> None:
    torch.manual_seed(1)
    activations = torch.rand(2, 3, size, size)
    enlarged = F.interpolate(activations, (24, 24), mode="bilinear")
    expected = F.avg_pool2d(enlarged, 6).flatten(2).transpose(1, 2)
    assert torch.allclose(to_cells(activations, 24), expected, atol=1e-5)


def test_features_as_they_come_are_what_a_head_reads() -> None:
    heads = CellHeads(np.array([[2.0], [0.0]]), np.array([1.0]))
    assert heads.logits(np.full((1, 16, 2), 3.0)).tolist() == [[[7.0]] * 16]
