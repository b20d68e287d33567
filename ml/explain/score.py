"""Score-CAM (Wang et al., arXiv 1910.01279): a channel's weight is the score of the image masked by it."""

from typing import Final

import numpy as np
import numpy.typing as npt

from ml.explain.base import Array, Explainer, Model

BATCH: Final = 32
_NO_DIVISION_BY_ZERO: Final = 1e-8  # as in pytorch-grad-cam


class ScoreCam(Explainer):
    """One forward pass per channel that is not constant (at most 1280): seconds per image, hence on demand only.

    Masked images pass in batches of `batch`, so memory does not grow with the number of channels. The paper's baseline
    score cancels in the softmax over channels.
    """

    def __init__(self, model: Model, batch: int = BATCH) -> None:
        super().__init__(model)
        self.batch = batch

    def channel_weights(self, images: Array, activations: Array, target: int) -> Array:
        scores = np.stack([self._scores(i, a, target) for i, a in zip(images, activations, strict=True)])
        exponents = np.exp(scores - scores.max(axis=1, keepdims=True))
        weights: Array = exponents / exponents.sum(axis=1, keepdims=True)
        return weights

    def _scores(self, image: Array, activations: Array, target: int) -> Array:
        """The logit of one image (3, H, W) under each channel's mask: (C,)."""
        # A constant channel masks everything, so all of these share one score.
        scores = np.full(len(activations), self.model.logits(np.zeros_like(image)[None])[0, target])
        varying = np.flatnonzero(np.ptp(activations, axis=(1, 2)))
        for start in range(0, len(varying), self.batch):
            chosen = varying[start : start + self.batch]
            masks = unit_masks(activations[chosen], (image.shape[1], image.shape[2]))
            scores[chosen] = self.model.logits(image * masks[:, None])[:, target]
        return scores


def unit_masks(activations: Array, size: tuple[int, int]) -> Array:
    """Channels (C, h, w), enlarged to `size` and each scaled to [0, 1]: (C, H, W)."""
    large = enlarged(activations, size)
    low, high = large.min(axis=(1, 2), keepdims=True), large.max(axis=(1, 2), keepdims=True)
    masks: Array = (large - low) / (high - low + np.float32(_NO_DIVISION_BY_ZERO))
    return masks


def enlarged(maps: Array, size: tuple[int, int]) -> Array:
    """Bilinear, corners aligned: (C, h, w) → (C, H, W)."""
    rows, columns = (_interpolation(old, new) for old, new in zip(maps.shape[1:], size, strict=True))
    return np.asarray(rows @ maps @ columns.T, np.float32)


def _interpolation(old: int, new: int) -> Array:
    """(new, old): each row interpolates between the two nearest old cells."""
    positions = np.linspace(0, old - 1, new)
    weights: npt.NDArray[np.float64] = np.maximum(1 - np.abs(positions[:, None] - np.arange(old)), 0)
    return weights.astype(np.float32)
