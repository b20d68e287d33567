"""The network with everything on top of it, as the one graph that is served: scores, modality and maps.

A pattern head has the same weights at every place of the finest stage (`ml.training.cell_heads`): its map is the
probability of the pattern at each place, and an image scores by its three highest of 4 × 4 cells. BCC is where any of
its six patterns is. Melanoma and SCC have the closed-form Grad-CAM of the lesion head (`ml.explain.closed_form`).
"""

from collections.abc import Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ml.card import BCC, CODES
from ml.data.diagnoses import DIAGNOSES, Diagnosis
from ml.explain.closed_form import closed_form_cams
from ml.patterns import BCC_PATTERNS, Pattern
from ml.training.cell_heads import GRID, HIGHEST, CellHeads
from ml.training.modality import Gate
from ml.training.recipe.network import LesionNet
from ml.training.recipe.network import CHANNELS, STAGES

OUTPUTS: Final = ("target_logits", "lesion_logits", "modality_logits", "cams")
_BCC, _MEL, _SCC = (DIAGNOSES.index(kind) for kind in (Diagnosis.BCC, Diagnosis.MEL, Diagnosis.SCC))
_SIX: Final = [list(Pattern).index(pattern) for pattern in BCC_PATTERNS]
assert (BCC, *Pattern, "MEL", "SCC") == CODES  # noqa: S101 - the order in which `forward` puts them together


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
    """(N, 3, S, S) normalised → `OUTPUTS`; the side S must be a multiple of 32.

    `target_logits` (N, 10) in the order of `CODES`: the mean of the BCC head's logit and the lesion head's log-odds of
    BCC, the patterns' scores, the log-odds of melanoma and of SCC. `lesion_logits` (N, 9) in the order of `DIAGNOSES`,
    `modality_logits` (N, 3), and `cams` (N, 10, S / 8, S / 8) ≥ 0, a map for each target.
    """

    def __init__(self, network: LesionNet, patterns: LocalHeads, gate: Gate) -> None:
        super().__init__()
        self.network, self.patterns = network, patterns
        self.gate = nn.Linear(*gate.weight.shape)
        with torch.no_grad():
            self.gate.weight.copy_(torch.from_numpy(gate.weight.T))
            self.gate.bias.copy_(torch.from_numpy(gate.bias))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        maps = stages(self.network, images)
        means = [stage.mean(dim=(2, 3)) for stage in maps]
        scores = self.network.classify(means[-1])
        pattern_logits, places = self.patterns(maps)
        bcc = (scores.bcc + log_odds(scores.lesion, _BCC)) / 2
        others = torch.stack([log_odds(scores.lesion, kind) for kind in (_MEL, _SCC)], dim=1)
        targets = torch.cat([bcc[:, None], pattern_logits, others], dim=1)
        last = closed_form_cams(maps[-1], self.network.lesion_head.weight[[_MEL, _SCC]])
        size = (int(places.shape[-2]), int(places.shape[-1]))
        fine = F.interpolate(last, size, mode="bilinear")
        cams = torch.cat([places[:, _SIX].amax(dim=1, keepdim=True), places, fine], dim=1)
        return targets, scores.lesion, self.gate(torch.cat(means, dim=1)), cams


def stages(network: LesionNet, images: Tensor) -> list[Tensor]:
    """(N, 3, S, S) normalised → the activations after each of `STAGES`, finest first."""
    activations, found = images, []
    for number, block in enumerate(network.features):
        activations = block(activations)
        if number in STAGES:
            found.append(activations)
    return found


def log_odds(logits: Tensor, kind: int) -> Tensor:
    """(N, K) logits of exclusive classes → (N,) the log-odds of one against all others."""
    others = [other for other in range(logits.shape[1]) if other != kind]
    return logits[:, kind] - logits[:, others].logsumexp(dim=1)
