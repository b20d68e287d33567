"""Focal losses (Lin et al., arXiv 1708.02002): cross-entropy that counts less where the network is already right."""

import torch
import torch.nn.functional as F
from torch import Tensor


def binary_focal_loss(logits: Tensor, labels: Tensor, gamma: float = 2.0) -> Tensor:
    """Mean of (1 - p_t)^γ · (-log p_t) over the known labels (not NaN), then over heads; 0 if none is known.

    Logits and labels (N,) or (N, K); p_t is the probability of the true class; γ = 0 is plain cross-entropy.
    """
    logits, labels = logits.reshape(len(logits), -1), labels.reshape(len(labels), -1)
    known = ~labels.isnan()
    truth = labels.nan_to_num().to(logits.dtype)
    nll = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    terms = (1 - torch.exp(-nll)) ** gamma * nll * known
    return (terms.sum(dim=0) / known.sum(dim=0).clamp(min=1)).mean()


def focal_loss(logits: Tensor, classes: Tensor, gamma: float = 2.0) -> Tensor:
    """The same for K exclusive classes: logits (N, K), indices (N,), negative if unknown; 0 if all are unknown."""
    known = classes >= 0
    nll = F.cross_entropy(logits[known], classes[known], reduction="none")
    return ((1 - torch.exp(-nll)) ** gamma * nll).sum() / known.sum().clamp(min=1)


def any_of_loss(logits: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss of "at least one is present" for logits (N, K): the probability is 1 - ∏(1 - p_k); 0 for N = 0."""
    none = F.softplus(logits).sum(dim=1)  # -log ∏(1 - p_k)
    nll = -torch.log((-torch.expm1(-none)).clamp(min=1e-6))
    return (((1 - torch.exp(-nll)) ** gamma) * nll).sum() / max(1, len(logits))


def outside_loss(activations: Tensor, weights: Tensor, masks: Tensor) -> Tensor:
    """Mean share of each target's Grad-CAM that lies outside its mask, over the targets that have a mask; else 0.

    `activations` (N, C, h, w) and head `weights` (K, C) as in `ml.explain.closed_form`; `masks` (N, K, M, M) in 0–1.
    """
    marked = masks.amax(dim=(2, 3)) > 0
    if not bool(marked.any()):
        return activations.sum() * 0
    maps = F.relu(F.conv2d(activations, weights[:, :, None, None]))
    inside = (maps * F.adaptive_avg_pool2d(masks, (maps.shape[2], maps.shape[3]))).sum(dim=(2, 3))
    share: Tensor = inside / (maps.sum(dim=(2, 3)) + 1e-3)
    return (1 - share)[marked].mean()
