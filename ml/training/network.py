"""The multi-task network: backbone → global average pool → dropout → linear heads.

Backbone: any of `ml.backbones`, by default MobileNet-V2 (Sandler et al., arXiv 1801.04381). Heads as in Matas et al.,
arXiv 2407.00104: BCC, dermoscopic patterns and, as an auxiliary task, the lesion type. The heads stay linear because
that gives Grad-CAM a closed form (`ml.explain.closed_form`).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from ml.backbones import DEFAULT, find
from ml.data.records import DataError
from ml.imaging.preprocessing import SIGNED_UNIT, PreprocessingSpec
from ml.patterns import Lesion, Pattern


class Logits(NamedTuple):
    """Raw scores: `bcc` (N, 1), `patterns` (N, P) with P possibly 0, `lesion` (N, 7)."""

    bcc: Tensor
    patterns: Tensor
    lesion: Tensor


class MultiTaskNet(nn.Module):
    """(N, 3, H, W) normalised RGB → `Logits`. `patterns` lists the pattern heads, in the order of their logits.

    Raises `DataError` for a backbone that is not known.
    """

    def __init__(self, patterns: Sequence[Pattern] = (), dropout: float = 0.3, backbone: str = DEFAULT) -> None:
        super().__init__()
        self.patterns = tuple(patterns)
        self.backbone = find(backbone)
        self.features = self.backbone.build(None)
        self.dropout = nn.Dropout(dropout)
        channels = self.backbone.channels
        self.bcc_head = nn.Linear(channels, 1)
        self.pattern_head = nn.Linear(channels, len(self.patterns)) if self.patterns else None
        self.lesion_head = nn.Linear(channels, len(Lesion))

    @property
    def depth(self) -> int:
        """The number of the backbone's stages: a `cut` runs from 0 (nothing frozen) to this (only the heads learn)."""
        return len(self.features)

    def trunk(self, images: Tensor, cut: int) -> Tensor:
        """The output of the first `cut` stages, pooled to (N, C) if only the heads follow."""
        activations = self.features[:cut](images)
        return pool(activations) if cut == self.depth else activations

    def tail(self, activations: Tensor, cut: int) -> Logits:
        """The rest of the network, applied to what `trunk` returned for the same `cut`."""
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
    """Load ImageNet weights into the backbone and return the preprocessing they expect.

    `weights`: a name in `network.backbone.weights`, such as "IMAGENET1K_V1" (torchvision's are downloaded); or the path
    of a safetensors file with the keys of `network.features`, for input in [-1, 1]; or "none".
    Raises `DataError` for anything else and for weights that cannot be loaded.
    """
    backbone = network.backbone
    if weights == "none":
        return replace(SIGNED_UNIT, size=backbone.size)
    try:
        if Path(weights).suffix == ".safetensors":
            state = {key.removeprefix("features."): value for key, value in load_file(weights).items()}
            network.features.load_state_dict(state)
            return replace(SIGNED_UNIT, size=backbone.size)
        if weights not in backbone.weights:
            known = ", ".join(backbone.weights)
            raise DataError(f"There are no weights named {weights} for {backbone.label}; known: {known}.")
        network.features.load_state_dict(backbone.build(weights).state_dict())
    except (OSError, RuntimeError, ImportError, SafetensorError) as error:
        raise DataError(f"The weights {weights} of {backbone.label} cannot be used: {error}") from error
    return backbone.spec
