"""Cells of a map, and the score that an image gets from them."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from ml.training.cells import pooled, to_cells


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
