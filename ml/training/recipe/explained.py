"""The network with everything that is linear on top of it, and its maps, as one graph.

A pattern head is linear in the means of several stages: logit = Σ_s w_s · mean(A_s) + b. Before pooling the same sum is
a map, Σ_s enlarged(w_s · A_s), which gets as fine as the earliest stage and whose cells add up to the logit without b:
the closed form of Grad-CAM (Selvaraju et al., arXiv 1610.02391; see `ml.explain.closed_form`), where each stage counts
by what the head reads from it directly. BCC, melanoma and SCC are read from the last stage alone.
"""

from collections.abc import Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ml.data.diagnoses import DIAGNOSES, Diagnosis
from ml.explain.closed_form import closed_form_cams
from ml.patterns import Pattern
from ml.training.cell_heads import GRID, HIGHEST, CellHeads
from ml.training.modality import Gate
from ml.training.pattern_heads import Head
from ml.training.recipe.network import LesionNet
from ml.training.recipe.network import CHANNELS, STAGES

OUTPUTS: Final = ("bcc_logit", "pattern_logits", "lesion_logits", "modality_logits", "cams", "features")
# The lesion types that have a map besides BCC's, in the order of the graph's last maps.
MAPPED: Final = (Diagnosis.MEL, Diagnosis.SCC)
TARGETS: Final = ("BCC", *(pattern.value for pattern in Pattern), *(kind.value.upper() for kind in MAPPED))


class StagedHeads(nn.Module):
    """Several heads, each linear in the means of all `STAGES`: weights (K, F) and biases (K,)."""

    weight: Tensor
    bias: Tensor

    def __init__(self, heads: Sequence[Head]) -> None:
        super().__init__()
        weight = torch.tensor([head.weight.tolist() for head in heads], dtype=torch.float32)
        self.register_buffer("weight", weight)
        self.register_buffer("bias", torch.tensor([head.bias for head in heads], dtype=torch.float32))

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The stages' activations, finest first → logits (N, K), and maps ≥ 0 on the finest grid (N, K, h, w)."""
        size = (maps[0].shape[-2], maps[0].shape[-1])
        total = maps[0].new_zeros(())
        logits = self.bias
        for activations, weight in zip(maps, self.weight.split(CHANNELS, dim=1), strict=True):
            read = F.conv2d(activations, weight[:, :, None, None])
            logits = logits + read.mean(dim=(2, 3))
            # By a whole factor, which leaves the mean as it is.
            total = total + F.interpolate(read, size, mode="bilinear")
        return logits, F.relu(total) / (size[0] * size[1])


class LocalHeads(nn.Module):
    """Heads learnt from cells: weights (K, F) and biases (K,) of `ml.training.cell_heads`, at every place."""

    weight: Tensor
    bias: Tensor

    def __init__(self, heads: CellHeads) -> None:
        super().__init__()
        self.register_buffer("weight", torch.from_numpy(heads.weight.T.copy()).float())
        self.register_buffer("bias", torch.from_numpy(heads.bias).float())

    def forward(self, maps: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """The stages' activations, finest first → scores (N, K), and probabilities of the pattern at every place."""
        size = (int(maps[0].shape[-2]), int(maps[0].shape[-1]))  # plain numbers, which the tracer takes for fixed
        local = self.bias[None, :, None, None]
        for activations, weight in zip(maps, self.weight.split(CHANNELS, dim=1), strict=True):
            read = F.conv2d(activations, weight[:, :, None, None])
            local = local + F.interpolate(read, size, mode="bilinear")
        cells = F.avg_pool2d(local, (size[0] // GRID, size[1] // GRID)).flatten(2)
        return cells.topk(HIGHEST, dim=2).values.mean(dim=2), local.sigmoid()


class ExplainedLesionNet(nn.Module):
    """(N, 3, S, S) normalised → `OUTPUTS`.

    `cams` (N, 10, h, w): one map for each of `TARGETS`, all on the finest stage's grid; `features` (N, F):
    the means of all stages. The side S must be a multiple of 32.
    """

    def __init__(self, network: LesionNet, patterns: StagedHeads | LocalHeads, gate: Gate) -> None:
        super().__init__()
        self.network, self.patterns = network, patterns
        self.gate = nn.Linear(*gate.weight.shape)
        with torch.no_grad():
            self.gate.weight.copy_(torch.from_numpy(gate.weight.T))
            self.gate.bias.copy_(torch.from_numpy(gate.bias))

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        activations, maps = images, []
        for number, block in enumerate(self.network.features):
            activations = block(activations)
            if number in STAGES:
                maps.append(activations)
        features = torch.cat([stage.mean(dim=(2, 3)) for stage in maps], dim=1)
        scores = self.network.classify(features[:, -CHANNELS[-1] :])
        pattern_logits, pattern_cams = self.patterns(maps)
        last = closed_form_cams(activations, self._diagnosis_weights())
        # The same sum over a finer grid: each cell holds what it adds to the logit.
        grid = (pattern_cams.shape[-2], pattern_cams.shape[-1])
        cells = activations.shape[-2] * activations.shape[-1] / (grid[0] * grid[1])
        last = F.interpolate(last, grid, mode="bilinear") * cells
        cams = torch.cat([last[:, :1], pattern_cams, last[:, 1:]], dim=1)
        return scores.bcc[:, None], pattern_logits, scores.lesion, self.gate(features), cams, features

    def _diagnosis_weights(self) -> Tensor:
        lesion = self.network.lesion_head.weight
        return torch.cat([self.network.bcc_head.weight, *(lesion[DIAGNOSES.index(k)][None] for k in MAPPED)])
