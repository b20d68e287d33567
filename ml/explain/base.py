"""What a heatmap method needs of a model, and what all methods share: a weighted sum of the last activations."""

from abc import ABC, abstractmethod
from typing import Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


class Model(Protocol):
    """A classifier whose T targets (the lesion types) are linear in the spatial mean of its activations."""

    @property
    def weights(self) -> Array:
        """Head weights of the targets: (T, C)."""

    def activations(self, images: Array) -> Array:
        """(N, 3, H, W) normalised images → the last backbone block's output (N, C, h, w)."""

    def logits(self, images: Array) -> Array:
        """(N, 3, H, W) normalised images → raw scores (N, T)."""


class Explainer(ABC):
    """A method is its choice of channel weights; its map is ReLU(Σ_k weight_k · A_k)."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def heatmaps(self, images: Array, target: int) -> Array:
        """(N, 3, H, W) normalised images → raw maps (N, h, w) ≥ 0 for one target. A map of zeros means "no map"."""
        activations = self.model.activations(images)
        weights = self.channel_weights(images, activations, target)
        maps: Array = np.maximum(np.einsum("nc,nchw->nhw", weights, activations), 0)
        return maps

    @abstractmethod
    def channel_weights(self, images: Array, activations: Array, target: int) -> Array:
        """The weight of each channel of `activations` (N, C, h, w) for the target: (N, C)."""
