"""MobileNet-V2 (Sandler et al., arXiv 1801.04381) with linear heads: diagnosis after a global average pool, patterns
at every place of several stages.

Linear heads keep Grad-CAM a closed form. The lesion head knows nine types; the BCC head is its own yes or no.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ml.backbones import find
from ml.data.readings import PATTERNS
from ml.patterns import LESIONS
from ml.training.cells import HIGHEST, to_cells

# After these blocks the map is read: strides 8, 16, 16, 32, 32 and the last.
STAGES: Final = (6, 10, 13, 16, 17, 18)
CHANNELS: Final = (32, 64, 96, 160, 320, 1280)
# A cell shows a given pattern about that rarely: log-odds to begin with.
_RARE: Final = -3.0


class Scores(NamedTuple):
    """Logits: `bcc` (N,), `lesion` (N, 9) in the order of `LESIONS`, `cells` (N, 16, 7) of the patterns in each cell,
    `present` (N, 7) in the whole image."""

    bcc: Tensor
    lesion: Tensor
    cells: Tensor
    present: Tensor


class LesionNet(nn.Module):
    """(N, 3, H, W) normalised RGB → `Scores`; the first `cut` blocks never learn. Raises `DataError`.

    H and W are multiples of 32.
    """

    def __init__(self, backbone: str = "mobilenet_v2", cut: int = 0, dropout: float = 0.3) -> None:
        super().__init__()
        found = find(backbone)
        self.features, self.cut = found.build(None), cut
        self.dropout = nn.Dropout(dropout)
        self.bcc_head = nn.Linear(found.channels, 1)
        self.lesion_head = nn.Linear(found.channels, len(LESIONS))
        self.cell_head = nn.Linear(sum(CHANNELS), len(PATTERNS))
        # From the mean of the highest cells to the whole image.
        self.image_scale = nn.Parameter(torch.ones(len(PATTERNS)))
        self.image_bias = nn.Parameter(torch.zeros(len(PATTERNS)))
        nn.init.zeros_(self.cell_head.weight)
        nn.init.constant_(self.cell_head.bias, _RARE)
        self.features[:cut].requires_grad_(False)

    def train(self, mode: bool = True) -> "LesionNet":
        """Frozen blocks keep their batch-norm statistics."""
        super().train(mode)
        self.features[: self.cut].eval()
        return self

    def forward(self, images: Tensor) -> Scores:
        with torch.no_grad():
            activations = self.features[: self.cut](images)
        maps = []
        for number, block in enumerate(self.features[self.cut :], start=self.cut):
            activations = block(activations)
            if number in STAGES:
                maps.append(activations)
        bcc, lesion = self.classify(activations.mean(dim=(2, 3)))
        cells = self.cells(maps)
        highest = cells.topk(HIGHEST, dim=1).values.mean(dim=1)
        return Scores(bcc, lesion, cells, highest * self.image_scale + self.image_bias)

    def classify(self, pooled: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled features (N, C) → logits of BCC (N,) and of the types (N, 9)."""
        dropped = self.dropout(pooled)
        return self.bcc_head(dropped)[:, 0], self.lesion_head(dropped)

    def cells(self, maps: Sequence[Tensor]) -> Tensor:
        """Activations of `STAGES`, finest first → (N, 16, 7)."""
        finest = maps[0].shape[-1]
        logits: Tensor = self.cell_head.bias
        for activations, weight in zip(maps, self.cell_head.weight.split(CHANNELS, dim=1), strict=True):
            # Reading, enlarging and averaging are linear: the cheapest comes first.
            logits = logits + to_cells(F.conv2d(activations, weight[:, :, None, None]), finest)
        return logits
