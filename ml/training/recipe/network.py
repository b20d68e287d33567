"""MobileNet-V2 (Sandler et al., arXiv 1801.04381) with two linear heads after a global average pool.

Linear heads keep Grad-CAM a closed form. The lesion head knows nine types; the BCC head is its own yes or no.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ml.backbones import find
from ml.data.diagnoses import DIAGNOSES


class Scores(NamedTuple):
    """Logits: `bcc` (N,), `lesion` (N, 9) in the order of `DIAGNOSES`."""

    bcc: Tensor
    lesion: Tensor


class LesionNet(nn.Module):
    """(N, 3, H, W) normalised RGB → `Scores`; the first `cut` blocks never learn. Raises `DataError`."""

    def __init__(self, backbone: str = "mobilenet_v2", cut: int = 0, dropout: float = 0.3) -> None:
        super().__init__()
        found = find(backbone)
        self.features, self.cut = found.build(None), cut
        self.dropout = nn.Dropout(dropout)
        self.bcc_head = nn.Linear(found.channels, 1)
        self.lesion_head = nn.Linear(found.channels, len(DIAGNOSES))
        self.features[:cut].requires_grad_(False)

    def train(self, mode: bool = True) -> "LesionNet":
        """Frozen blocks keep their batch-norm statistics."""
        super().train(mode)
        self.features[: self.cut].eval()
        return self

    def forward(self, images: Tensor) -> Scores:
        with torch.no_grad():
            activations = self.features[: self.cut](images)
        return self.classify(self.features[self.cut :](activations).mean(dim=(2, 3)))

    def classify(self, pooled: Tensor) -> Scores:
        """Pooled features (N, C) → logits."""
        dropped = self.dropout(pooled)
        return Scores(self.bcc_head(dropped)[:, 0], self.lesion_head(dropped))
