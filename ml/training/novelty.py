"""How far an image's features lie from those of the training images.

Probabilistic principal components (Moghaddam & Pentland, PAMI 1997): the Mahalanobis distance within the first
components, plus the squared residual over the mean variance outside them. The score is part of the exported graph: the
weights' checksum covers it, and it costs two small matrix products.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

COMPONENTS: Final = 64


class NoveltyScore(nn.Module):
    """Pooled features (N, C) → (N, 1), about 1 for an image like those of training."""

    mean: Tensor
    directions: Tensor
    variances: Tensor
    rest: Tensor

    def __init__(self, mean: Tensor, directions: Tensor, variances: Tensor, rest: Tensor) -> None:
        """`directions` (C, K) orthonormal, `variances` (K,) along them, `rest` () that of each other dimension."""
        super().__init__()
        for name, values in (("mean", mean), ("directions", directions), ("variances", variances), ("rest", rest)):
            self.register_buffer(name, values)

    def forward(self, features: Tensor) -> Tensor:
        centred = features - self.mean
        inside = centred @ self.directions
        outside = centred - inside @ self.directions.T
        score: Tensor = (inside.square() / self.variances).sum(dim=1, keepdim=True)
        return (score + outside.square().sum(dim=1, keepdim=True) / self.rest) / self.mean.shape[0]


def fit(features: npt.NDArray[np.floating], components: int = COMPONENTS) -> NoveltyScore:
    """Fit the score to features (N, C). Raises ValueError unless N exceeds `components`."""
    count, channels = features.shape
    if count <= components:
        raise ValueError(f"{count} images are too few for {components} components.")
    mean = features.mean(axis=0, dtype=np.float64)
    _, lengths, directions = np.linalg.svd(features - mean, full_matrices=False)
    variances = lengths**2 / count
    rest = variances[components:].sum() / (channels - components)
    arrays = (mean, directions[:components].T.copy(), variances[:components], np.array(rest))
    return NoveltyScore(*(torch.from_numpy(array).float() for array in arrays))
