"""Pattern heads that learn *where* from the readers' cells: one logit for each of 4 × 4 cells, linear in its features.

A cell's features are the means of several stages over it, and its target is the share of readers who named it: a head
that must find the cell can't live on what the rest of the picture looks like. An image scores by the mean of its three
highest cells. The same weights at every place of the finest stage are the map, which needs no gradient.

The cells are weak labels (`ml.data.readings`): automated readings that no dermatologist has checked.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

GRID: Final = 4
# Of the squared weights of standardised features.
PENALTY: Final = 0.003
HIGHEST: Final = 3
_STEPS: Final = 45

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class CellHeads:
    """logit of a cell = features · `weight` (F, K) + `bias` (K,), for K patterns and features as they come."""

    weight: Floats
    bias: Floats

    def logits(self, cells: npt.NDArray[np.floating]) -> Floats:
        """(N, 16, F) → (N, 16, K)."""
        found: Floats = cells.astype(np.float64) @ self.weight + self.bias
        return found


def pooled(logits: Floats) -> Floats:
    """(N, 16, K) logits of cells → (N, K) scores of images: the mean of the `HIGHEST` highest."""
    mean: Floats = np.sort(logits, axis=1)[:, -HIGHEST:].mean(axis=1)
    return mean


def fit(cells: npt.NDArray[np.floating], named: Floats, penalty: float = PENALTY) -> CellHeads:
    """Fit (N, 16, F) features to (N, 16, K) shares of readers who named the cell: cross-entropy with soft targets."""
    features = torch.from_numpy(np.asarray(cells, np.float32))
    mean, deviation = features.mean(dim=(0, 1)), features.std(dim=(0, 1)) + 1e-6
    features = (features - mean) / deviation
    targets = torch.from_numpy(named).float()
    weight = torch.zeros(features.shape[2], targets.shape[2], requires_grad=True)
    bias = torch.zeros(targets.shape[2], requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=_STEPS, history_size=10, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        terms = F.binary_cross_entropy_with_logits(features @ weight + bias, targets, reduction="none")
        total: Tensor = terms.mean(dim=(0, 1)).sum() + penalty * weight.square().sum()
        total.backward()
        return total

    optimizer.step(loss)
    raw = (weight.detach() / deviation[:, None]).double().numpy()
    return CellHeads(raw, bias.detach().double().numpy() - mean.double().numpy() @ raw)


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
