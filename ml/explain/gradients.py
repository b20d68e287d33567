"""Grad-CAM and Grad-CAM++ without a backward pass: the heads are linear after a global average pool.

So the gradient of a target's logit is the same in every cell of channel k: g_k = w_k / (h·w).
"""

import numpy as np

from ml.explain.base import Array, Explainer, Model


class GradCam(Explainer):
    """Selvaraju et al., arXiv 1610.02391: the spatial mean of the gradient, g_k."""

    def channel_weights(self, images: Array, activations: Array, target: int) -> Array:
        return np.broadcast_to(_gradient(self.model, activations, target), activations.shape[:2])


class GradCamPlusPlus(Explainer):
    """Chattopadhyay et al., arXiv 1710.11063, equations 7 and 19: Σ_ij α_k · ReLU(g_k) with
    α_k = g_k² / (2 g_k² + g_k³ Σ_ab A_k,ab), which with one gradient per channel is h·w · ReLU(g_k) / (2 + g_k Σ A_k).

    `epsilon` is added to α's denominator; the paper has none. pytorch-grad-cam adds 1e-6, which outweighs g_k² (about
    1e-7 for 7 × 7 cells) and so turns weights near g_k into weights near g_k³: its maps are sharper than the paper's.
    The paper assumes activations after a ReLU. Where they can be negative (transformers, ConvNeXt), a channel whose
    denominator is not positive has no weight, like one with a negative gradient.
    """

    def __init__(self, model: Model, epsilon: float = 0.0) -> None:
        super().__init__(model)
        self.epsilon = epsilon

    def channel_weights(self, images: Array, activations: Array, target: int) -> Array:
        gradient = _gradient(self.model, activations, target).astype(np.float64)
        squared = gradient**2
        # A channel without a gradient has no weight, nor has one with a negative gradient (the ReLU of equation 7).
        denominator = 2 * squared + squared * gradient * activations.sum(axis=(2, 3)) + self.epsilon
        counts = (gradient > 0) & (denominator > 0)
        alpha = np.divide(squared, denominator, out=np.zeros_like(denominator), where=counts)
        weights: Array = (_cells(activations) * alpha * gradient).astype(np.float32)
        return weights


def _cells(activations: Array) -> int:
    return activations.shape[2] * activations.shape[3]


def _gradient(model: Model, activations: Array, target: int) -> Array:
    gradient: Array = model.weights[target] / np.float32(_cells(activations))
    return gradient
