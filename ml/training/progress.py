"""Validation figures during training: each head is measured where it has labels."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import torch
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor

from ml.charts import Series, chart
from ml.data.examples import PN, SIX, Examples
from ml.imaging.preprocessing import PreprocessingSpec
from ml.training.activations import activations_of
from ml.training.network import Logits, MultiTaskNet

CURVES: Final = {
    "average_precision": "BCC, average precision",
    "pn_auc": "pigment network, ROC-AUC",
    "drawn_auc": "drawings, mean ROC-AUC",
    "loss": "loss (highest: 1)",
}
_BATCH: Final = 128


class Progress:
    """The validation images of each source, passed through the frozen blocks once per stage."""

    def __init__(self, parts: Mapping[str, Examples], spec: PreprocessingSpec) -> None:
        self._parts, self._spec = parts, spec

    def freeze(self, network: MultiTaskNet, cut: int) -> None:
        """Cache the outputs of the first `cut` blocks, which must not change until the next call."""
        self._cut = cut
        self._known = {
            name: activations_of(part.pixels, network, cut, self._spec).to(torch.float16)
            for name, part in self._parts.items()
        }

    @torch.no_grad()
    def scores(self, network: MultiTaskNet) -> dict[str, float]:
        """ROC-AUC and average precision of BCC, and accuracy of the lesion type.

        With pattern heads also the ROC-AUC of pigment network on expert labels (`pn_auc`), the mean over all seven on
        drawings (`drawn_auc`), and that of the likeliest of the six as a score for BCC (`six_auc`); with other clinics,
        that of BCC there (`clinics_auc`).
        """
        network.eval()
        outputs = {name: self._logits(network, activations) for name, activations in self._known.items()}
        ham, logits = self._parts["ham"], outputs["ham"]
        figures = {
            "auc": area(ham.bcc, logits.bcc[:, 0]),
            "average_precision": float(average_precision_score(ham.bcc, logits.bcc[:, 0])),
            "lesion_accuracy": float((logits.lesion.argmax(dim=1) == ham.lesion).float().mean()),
        }
        if "clinics" in outputs:
            figures["clinics_auc"] = area(self._parts["clinics"].bcc, outputs["clinics"].bcc[:, 0])
        if "drawn" in outputs:
            marked, painted = self._parts["structures"], self._parts["drawn"]
            found = outputs["drawn"].patterns
            figures["pn_auc"] = area(marked.patterns[:, PN], outputs["structures"].patterns[:, PN])
            figures["drawn_auc"] = float(np.nanmean([area(painted.patterns[:, k], found[:, k]) for k in range(7)]))
            figures["six_auc"] = area(ham.bcc, logits.patterns[:, SIX].amax(dim=1))
        return figures

    def _logits(self, network: MultiTaskNet, activations: Tensor) -> Logits:
        device = next(network.parameters()).device
        outputs = [network.tail(part.to(device).float(), self._cut) for part in activations.split(_BATCH)]
        return Logits(*(torch.cat(head).float().cpu() for head in zip(*outputs, strict=True)))


def area(labels: Tensor, scores: Tensor) -> float:
    """ROC-AUC over the known labels (not NaN); NaN if they are all the same."""
    known = ~labels.isnan()
    if len(labels[known].unique()) < 2:
        return float("nan")
    return float(roc_auc_score(labels[known], scores[known]))


def curves(history: Sequence[Mapping[str, Any]]) -> str:
    """The loss and the figures of each epoch so far, as SVG."""
    x = [float(epoch) for epoch in range(1, len(history) + 1)]
    scale = {"loss": max(row["loss"] for row in history)}
    shown = [
        Series(label, x, [row[name] / scale.get(name, 1) for row in history], dots=True)
        for name, label in CURVES.items()
        if name in history[0]
    ]
    limits = (0.5, len(history) + 0.5)
    return chart(f"{len(history)} epochs", "epoch", "on validation images", shown, x_limits=limits)
