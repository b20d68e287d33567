"""Focal losses (Lin et al., arXiv 1708.02002): cross-entropy that fades where the network is already right."""

import torch
import torch.nn.functional as F
from torch import Tensor


def binary_focal_loss(logits: Tensor, labels: Tensor, gamma: float = 2.0, positive_weight: float = 1.0) -> Tensor:
    """Mean of w · (1 - p_t)^γ · (-log p_t); logits and 0/1 labels of one shape; γ = 0 is plain cross-entropy.

    p_t is the probability given to the true class, w is `positive_weight` for positives and 1 for negatives.
    """
    labels = labels.to(logits.dtype)
    nll = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    weight = 1 + (positive_weight - 1) * labels
    return (weight * (1 - torch.exp(-nll)) ** gamma * nll).mean()


def focal_loss(logits: Tensor, classes: Tensor, gamma: float = 2.0, class_weights: Tensor | None = None) -> Tensor:
    """The same over K exclusive classes: logits (N, K), class indices (N,), weights (K,)."""
    nll = F.cross_entropy(logits, classes, reduction="none")
    weight = 1.0 if class_weights is None else class_weights.to(logits)[classes]
    return (weight * (1 - torch.exp(-nll)) ** gamma * nll).mean()


def known_binary_focal_loss(logits: Tensor, labels: Tensor, gamma: float = 2.0) -> Tensor:
    """`binary_focal_loss` over the labels that are known (not NaN), each head counting alike; 0 where none is."""
    logits, labels = logits.reshape(len(logits), -1), labels.reshape(len(labels), -1)
    known = ~labels.isnan()
    truth = labels.nan_to_num().to(logits.dtype)
    nll = F.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    terms = (1 - torch.exp(-nll)) ** gamma * nll * known
    return (terms.sum(dim=0) / known.sum(dim=0).clamp(min=1)).mean()


def known_focal_loss(logits: Tensor, classes: Tensor, gamma: float = 2.0) -> Tensor:
    """`focal_loss` over the samples whose class is known (not negative); 0 where none is."""
    known = classes >= 0
    return focal_loss(logits[known], classes[known], gamma) if bool(known.any()) else logits.sum() * 0


def any_of_loss(logits: Tensor, gamma: float = 2.0) -> Tensor:
    """Focal loss of "at least one is present" for logits (N, K): the probability is 1 - ∏(1 - p_k); 0 for N = 0."""
    none = F.softplus(logits).sum(dim=1)  # -log ∏(1 - p_k)
    nll = -torch.log((-torch.expm1(-none)).clamp(min=1e-6))
    return (((1 - torch.exp(-nll)) ** gamma) * nll).sum() / max(1, len(logits))
