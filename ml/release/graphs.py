"""The graph of a run, its gate fitted on what it learnt from; and what a fold's graph says of what it held out."""

import hashlib
from typing import Final

import numpy as np
import torch.nn.functional as F
from torch import Tensor

from ml.data.collections import HAM, MARKED, MILK
from ml.evaluation.outputs import FILE
from ml.patterns import Modality
from ml.release.sources import CLOSE_UP, OTHER, PHANTOM, HeldOut, Sources
from ml.training import modality
from ml.training.cells import GRID
from ml.training.recipe.explained import ExplainedLesionNet
from ml.training.recipe.frozen import GATE_SIDE, Arrays, Run, kept, means

GATE: Final = "gate-means.npz"
AS_THEY_COME: Final = "gate-means-as-they-come.npz"
MODALITY: Final = {
    HAM: Modality.DERMOSCOPIC,
    MILK: Modality.DERMOSCOPIC,
    MARKED: Modality.DERMOSCOPIC,
    PHANTOM: Modality.DERMOSCOPIC,
    CLOSE_UP: Modality.CLINICAL,
    OTHER: Modality.OTHER,
}
_NOTHING: Final = 1e-12


def explained(run: Run, sources: Sources) -> ExplainedLesionNet:
    """Ready to evaluate; what the gate is fitted on is kept beside the run. Raises `DataError`."""

    def look(images: Tensor) -> Arrays:
        return {"means": means(run, images)}

    pictures = sources.for_the_gate(HeldOut.of(run.folder))
    dermoscopic = [one for one in pictures if MODALITY[one.source] is Modality.DERMOSCOPIC]
    seen = [
        kept(run.folder / GATE, pictures, run.digest, run.side, look, GATE_SIDE),
        kept(run.folder / AS_THEY_COME, dermoscopic, run.digest, run.side, look),
    ]
    kinds = [MODALITY[source] for part in seen for source in part["source"].tolist()]
    features = np.concatenate([part["means"] for part in seen]).astype(np.float64)
    return ExplainedLesionNet(run.network, modality.fit(features, kinds)).eval()


def write_outputs(run: Run, sources: Sources) -> None:
    """What `ml.evaluation.outputs` reads, of one fold. Raises `DataError`."""
    graph = explained(run, sources)
    key = hashlib.sha256(b"".join(value.numpy().tobytes() for value in graph.state_dict().values())).hexdigest()

    def look(images: Tensor) -> Arrays:
        targets, lesions, kinds, cams = graph(images)
        parts = F.adaptive_avg_pool2d(cams, GRID)
        found = {
            "target_logits": targets,
            "lesion_logits": lesions,
            "modality_logits": kinds,
            "strength": cams.amax(dim=(2, 3)),
            "shares": parts / parts.sum(dim=(2, 3), keepdim=True).clamp(min=_NOTHING),
        }
        return {name: value.numpy() for name, value in found.items()}

    kept(run.folder / FILE, sources.judged(HeldOut.of(run.folder)), key, run.side, look)
