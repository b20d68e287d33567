"""The network with everything on top of it, as the one graph that is served: scores, modality and maps.

A pattern head has the same weights at every place of the finest stage: its map is the probability of the pattern at
each place, and an image scores by its three highest of 4 × 4 cells. BCC is where any of its six patterns is. Melanoma
and SCC have the closed-form Grad-CAM of the lesion head (`ml.explain.closed_form`).
"""

from collections.abc import Sequence
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ml.card import BCC, CODES
from ml.explain.closed_form import closed_form_cams
from ml.patterns import BCC_PATTERNS, LESIONS, Lesion, Pattern
from ml.training.cells import GRID, HIGHEST
from ml.training.modality import Gate
from ml.training.recipe.network import CHANNELS, STAGES, LesionNet

OUTPUTS: Final = ("target_logits", "lesion_logits", "modality_logits", "cams")
_BCC, _MEL, _SCC = (LESIONS.index(kind) for kind in (Lesion.BCC, Lesion.MEL, Lesion.SCC))
_SIX: Final = [list(Pattern).index(pattern) for pattern in BCC_PATTERNS]
assert (BCC, *Pattern, "MEL", "SCC") == CODES  # noqa: S101 - the order in which `forward` puts them together


class ExplainedLesionNet(nn.Module):
    """(N, 3, S, S) normalised → `OUTPUTS`; the side S must be a multiple of 32.

    `target_logits` (N, 10) in the order of `CODES`: the mean of the BCC head's logit and the lesion head's log-odds of
    BCC, the patterns' scores, the log-odds of melanoma and of SCC. `lesion_logits` (N, 9) in the order of `LESIONS`,
    `modality_logits` (N, 3), and `cams` (N, 10, S / 8, S / 8) ≥ 0, a map for each target.
    """

    def __init__(self, network: LesionNet, gate: Gate) -> None:
        super().__init__()
        self.network = network
        self.gate = nn.Linear(*gate.weight.shape)
        with torch.no_grad():
            self.gate.weight.copy_(torch.from_numpy(gate.weight.T))
            self.gate.bias.copy_(torch.from_numpy(gate.bias))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        maps = stages(self.network, images)
        means = [stage.mean(dim=(2, 3)) for stage in maps]
        bcc, lesion = self.network.classify(means[-1])
        local = places(self.network, maps)
        size = (int(local.shape[-2]), int(local.shape[-1]))  # plain numbers, which the tracer takes for fixed
        cells = F.avg_pool2d(local, (size[0] // GRID, size[1] // GRID)).flatten(2)
        targets = [
            ((bcc + log_odds(lesion, _BCC)) / 2)[:, None],
            cells.topk(HIGHEST, dim=2).values.mean(dim=2),
            torch.stack([log_odds(lesion, kind) for kind in (_MEL, _SCC)], dim=1),
        ]
        patterns = local.sigmoid()
        last = closed_form_cams(maps[-1], self.network.lesion_head.weight[[_MEL, _SCC]])
        cams = [patterns[:, _SIX].amax(dim=1, keepdim=True), patterns, F.interpolate(last, size, mode="bilinear")]
        modality = self.gate(torch.cat(means, dim=1))
        return torch.cat(targets, dim=1), lesion, modality, torch.cat(cams, dim=1)


def places(network: LesionNet, maps: Sequence[Tensor]) -> Tensor:
    """The activations of `stages` → (N, 7, h, w): log-odds of each pattern at every place of the finest."""
    size = (int(maps[0].shape[-2]), int(maps[0].shape[-1]))
    local: Tensor = network.cell_head.bias[None, :, None, None]
    for activations, weight in zip(maps, network.cell_head.weight.split(CHANNELS, dim=1), strict=True):
        read = F.conv2d(activations, weight[:, :, None, None])
        local = local + F.interpolate(read, size, mode="bilinear")
    return local


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
