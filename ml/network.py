"""The multi-task network: MobileNet-V2 → global average pool → dropout → linear heads.

Backbone: Sandler et al., arXiv 1801.04381. Heads after Matas et al., arXiv 2407.00104: BCC, dermoscopic patterns and,
as an auxiliary task, the lesion type. Heads that are linear after a global average pool make Grad-CAM a closed form
(see `ml.export`), which is why they stay linear.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import MobileNet_V2_Weights, mobilenet_v2

from ml.datasets import DataError
from ml.patterns import Lesion, Pattern
from ml.preprocessing import IMAGENET, SIGNED_UNIT, PreprocessingSpec

CHANNELS = 1280


class Logits(NamedTuple):
    """Raw scores: `bcc` (N, 1), `patterns` (N, P) with P possibly 0, `lesion` (N, 7)."""

    bcc: Tensor
    patterns: Tensor
    lesion: Tensor


class MultiTaskNet(nn.Module):
    """(N, 3, H, W) normalised RGB → `Logits`. `patterns` lists the pattern heads, in the order of their logits."""

    def __init__(self, patterns: Sequence[Pattern] = (), dropout: float = 0.3) -> None:
        super().__init__()
        self.patterns = tuple(patterns)
        self.features: nn.Sequential = mobilenet_v2().features
        self.dropout = nn.Dropout(dropout)
        self.bcc_head = nn.Linear(CHANNELS, 1)
        self.pattern_head = nn.Linear(CHANNELS, len(self.patterns)) if self.patterns else None
        self.lesion_head = nn.Linear(CHANNELS, len(Lesion))

    @property
    def depth(self) -> int:
        """Number of backbone blocks; a `cut` lies between 0 (nothing frozen) and this (heads only)."""
        return len(self.features)

    def trunk(self, images: Tensor, cut: int) -> Tensor:
        """What the first `cut` blocks make of the images; pooled to (N, C) where nothing but the heads follows."""
        activations = self.features[:cut](images)
        return pool(activations) if cut == self.depth else activations

    def tail(self, activations: Tensor, cut: int) -> Logits:
        """The rest of the network, from what `trunk` returned for the same `cut`."""
        pooled = activations if cut == self.depth else pool(self.features[cut:](activations))
        return self.classify(pooled)

    def classify(self, pooled: Tensor) -> Logits:
        """Pooled features (N, C) → logits of every head."""
        dropped = self.dropout(pooled)
        patterns = self.pattern_head(dropped) if self.pattern_head else dropped[:, :0]
        return Logits(self.bcc_head(dropped), patterns, self.lesion_head(dropped))

    def forward(self, images: Tensor) -> Logits:
        return self.tail(images, cut=0)

    def target_weights(self) -> Tensor:
        """Head weights of the explained targets, BCC first: (1 + P, C)."""
        heads = [self.bcc_head] + ([self.pattern_head] if self.pattern_head else [])
        return torch.cat([head.weight for head in heads])


def pool(activations: Tensor) -> Tensor:
    """Global average pool: (N, C, h, w) → (N, C)."""
    return activations.mean(dim=(2, 3))


def load_backbone(network: MultiTaskNet, weights: str) -> PreprocessingSpec:
    """Load ImageNet weights into the backbone and return the preprocessing that belongs to them.

    `weights`: path of a safetensors file with the keys of `torchvision.models.mobilenet_v2().features` and input in
    [-1, 1]; or the name of a torchvision weight enum member such as "IMAGENET1K_V2" (downloaded); or "none".
    Raises `DataError` for anything else.
    """
    if weights == "none":
        return SIGNED_UNIT
    if Path(weights).suffix == ".safetensors":
        try:
            state = {key.removeprefix("features."): value for key, value in load_file(weights).items()}
            network.features.load_state_dict(state)
        except (OSError, RuntimeError, SafetensorError) as error:
            raise DataError(f"The weights in {weights} cannot be used: {error}") from error
        return SIGNED_UNIT
    if weights not in MobileNet_V2_Weights.__members__:
        raise DataError(f"There are no weights named {weights}; known: {', '.join(MobileNet_V2_Weights.__members__)}.")
    network.features.load_state_dict(mobilenet_v2(weights=MobileNet_V2_Weights[weights]).features.state_dict())
    return IMAGENET
