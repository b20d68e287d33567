"""What a pattern's cells are: means of a map over 4 × 4 equal parts of the analysed square, the readers' grid.

An image scores by the mean of its three highest cells: a head that must find the cell can't live on what the rest of
the picture looks like.
"""

from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

GRID: Final = 4
HIGHEST: Final = 3

Floats = npt.NDArray[np.float64]


def pooled(logits: Floats) -> Floats:
    """(N, 16, K) logits of cells → (N, K) scores of images: the mean of the `HIGHEST` highest."""
    mean: Floats = np.sort(logits, axis=1)[:, -HIGHEST:].mean(axis=1)
    return mean


def to_cells(activations: Tensor, finest: int) -> Tensor:
    """(N, C, h, w) → (N, 16, C): means over 4 × 4 cells of the map enlarged to `finest` cells a side, row by row.

    `finest` is a multiple of 4. Enlarging and averaging are linear, so that they are one matrix on each side.
    """
    rows, columns = (_axis(size, finest, activations.device, activations.dtype) for size in activations.shape[2:])
    return torch.einsum("rh,nchw,kw->nrkc", rows, activations, columns).flatten(1, 2)


@cache
def _axis(size: int, finest: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """(4, size): how much each of `size` places counts in the mean of each of four equal parts."""
    enlarged = F.interpolate(torch.eye(size)[:, None], finest, mode="linear")[:, 0]
    return enlarged.view(size, GRID, finest // GRID).mean(dim=2).T.to(device, dtype)
