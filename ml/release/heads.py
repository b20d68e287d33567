"""Pattern heads and gate of one run, and what the graph with them says of the images that the run held out."""

import hashlib
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ml.data.collections import HAM, MILK
from ml.evaluation.outputs import FILE
from ml.evaluation.pattern_heads import SIX
from ml.patterns import Modality, Pattern
from ml.release.sources import CLOSE_UP, OTHER, PHANTOM, HeldOut, Sources
from ml.training import cell_heads, modality
from ml.training.cell_heads import GRID, CellHeads
from ml.training.recipe.explained import ExplainedLesionNet, LocalHeads
from ml.training.recipe.frozen import GATE_SIDE, Arrays, Run, cells, kept, means

READ, MARKED, GATE = "read-cells.npz", "marked-cells.npz", "gate-means.npz"
MODALITY: Final = {
    HAM: Modality.DERMOSCOPIC,
    MILK: Modality.DERMOSCOPIC,
    PHANTOM: Modality.DERMOSCOPIC,
    CLOSE_UP: Modality.CLINICAL,
    OTHER: Modality.OTHER,
}
_PN: Final = list(Pattern).index(Pattern.PN)


class Seen(NamedTuple):
    """What a run's network sees in the pictures that were read, that experts marked, and that the gate learns from."""

    read: Arrays
    marked: Arrays
    gate: Arrays


def see(run: Run, sources: Sources, held: HeldOut) -> Seen:
    """Kept beside the run. None of the pictures was held out."""

    def by_cell(images: Tensor) -> Arrays:
        return {"cells": cells(run, images)}

    def as_a_whole(images: Tensor) -> Arrays:
        return {"means": means(run, images)}

    return Seen(
        kept(run.folder / READ, sources.read_by_readers(held), run.digest, run.side, by_cell),
        kept(run.folder / MARKED, sources.marked_by_experts(held), run.digest, run.side, by_cell),
        kept(run.folder / GATE, sources.for_the_gate(held), run.digest, run.side, as_a_whole, GATE_SIDE),
    )


def explained(run: Run, sources: Sources, held: HeldOut) -> ExplainedLesionNet:
    """The run's network with the heads and the gate that are fitted on what it learnt from."""
    seen = see(run, sources, held)
    return ExplainedLesionNet(run.network, LocalHeads(fit_heads(seen, sources)), fit_gate(seen)).eval()


def fit_heads(seen: Seen, sources: Sources) -> CellHeads:
    """The six of BCC by the readers' cells, pigment network by the experts' marks, in the order of `Pattern`."""
    row_of = sources.readings.index()
    named = sources.readings.cells[[row_of[name] for name in seen.read["name"].tolist()]]
    six = cell_heads.fit(seen.read["cells"], _by_cell(named[:, SIX]))
    records = {record.image_id: record for record in sources.structures.records}
    coverage = [sources.structures.coverage(records[name], GRID) for name in seen.marked["name"].tolist()]
    network = cell_heads.fit(seen.marked["cells"], _by_cell(np.stack(coverage)[:, None] / 255))
    weight, bias = np.empty((len(six.weight), len(Pattern))), np.empty(len(Pattern))
    weight[:, SIX], bias[SIX] = six.weight, six.bias
    weight[:, [_PN]], bias[[_PN]] = network.weight, network.bias
    return CellHeads(weight, bias)


def _by_cell(shares: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(N, K, 4, 4) → (N, 16, K)."""
    return shares.reshape(*shares.shape[:2], GRID**2).transpose(0, 2, 1)


def fit_gate(seen: Seen) -> modality.Gate:
    kinds = [MODALITY[source] for source in seen.gate["source"].tolist()]
    return modality.fit(seen.gate["means"].astype(np.float64), kinds)


def write_outputs(run: Run, sources: Sources) -> None:
    """What `ml.evaluation.outputs` reads, of one fold."""
    held = HeldOut.of(run.folder)
    graph = explained(run, sources, held)
    key = hashlib.sha256(b"".join(value.numpy().tobytes() for value in graph.state_dict().values())).hexdigest()

    def look(images: Tensor) -> Arrays:
        targets, lesions, kinds, cams = graph(images)
        parts = torch.nn.functional.adaptive_avg_pool2d(cams, GRID)
        found = {
            "target_logits": targets,
            "lesion_logits": lesions,
            "modality_logits": kinds,
            "strength": cams.amax(dim=(2, 3)),
            "shares": parts / parts.sum(dim=(2, 3), keepdim=True).clamp(min=1e-12),
        }
        return {name: value.numpy() for name, value in found.items()}

    kept(run.folder / FILE, sources.judged(held), key, run.side, look)
