"""Export a trained network to ONNX: logits, Grad-CAM maps, pooled features and the novelty score in one graph."""

import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from ml.explain.closed_form import closed_form_cams
from ml.training.network import MultiTaskNet, pool
from ml.training.novelty import NoveltyScore

OPSET = 17


class ExplainedNet(nn.Module):
    """Images → bcc_logit, [pattern_logits,] lesion_logits, cams, features[, novelty].

    cams (N, 1 + P, h, w): raw Grad-CAM of BCC and of each pattern, see `ml.explain.closed_form`.
    """

    def __init__(self, network: MultiTaskNet, novelty: NoveltyScore | None = None) -> None:
        super().__init__()
        self.network, self.novelty = network, novelty

    @property
    def output_names(self) -> list[str]:
        patterns = ["pattern_logits"] if self.network.patterns else []
        novelty = ["novelty"] if self.novelty else []
        return ["bcc_logit", *patterns, "lesion_logits", "cams", "features", *novelty]

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        activations = self.network.features(images)
        features = pool(activations)
        logits = self.network.classify(features)
        cams = closed_form_cams(activations, self.network.target_weights())
        patterns = (logits.patterns,) if self.network.patterns else ()
        novelty = (self.novelty(features),) if self.novelty else ()
        return (logits.bcc, *patterns, logits.lesion, cams, features, *novelty)


def export_onnx(network: MultiTaskNet, size: int, file: Path, novelty: NoveltyScore | None = None) -> None:
    """Write the network, in evaluation mode, to one ONNX file with a free batch size."""
    explained = ExplainedNet(network, novelty).eval().cpu()
    write_onnx(explained, size, file, explained.output_names)


def write_onnx(module: nn.Module, size: int, file: Path, outputs: list[str]) -> None:
    """Trace a module in evaluation mode, (N, 3, size, size) → `outputs`, into one file; only N is free.

    Parameters keep their names and values, so that `ml.training.restore` can rebuild the network. The runtime folds
    batch norms into convolutions when it loads the graph.
    """
    with warnings.catch_warnings():
        # The tracing exporter needs only `onnx`; its successor needs onnxscript and writes the weights to another file.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # it branches on the size, which is fixed
        warnings.filterwarnings("ignore", "Constant folding", UserWarning)
        torch.onnx.export(
            module,
            (torch.zeros(1, 3, size, size),),
            str(file),
            dynamo=False,
            opset_version=OPSET,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            input_names=["images"],
            output_names=outputs,
            dynamic_axes={name: {0: "batch"} for name in ["images", *outputs]},
        )
