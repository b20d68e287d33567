"""Grad-CAM without a backward pass, for heads that are linear after a global average pool.

Grad-CAM (Selvaraju et al., arXiv 1610.02391) weights each channel by the mean gradient of the logit over the map. Here
logit = Σ_k w_k · mean(A_k) + b, so d logit / d A_k = w_k / (h·w) everywhere, and the map is ReLU(Σ_k w_k A_k / (h·w)).
"""

import torch.nn.functional as F
from torch import Tensor


def closed_form_cams(activations: Tensor, weights: Tensor) -> Tensor:
    """Raw maps, not normalised: activations (N, C, h, w) and head weights (T, C) → (N, T, h, w), ≥ 0."""
    cells = activations.shape[-2] * activations.shape[-1]
    return F.relu(F.conv2d(activations, weights[:, :, None, None])) / cells
