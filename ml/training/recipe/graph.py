"""Write the served graph to a file, and read the network back from it."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from ml.bundle import Bundle
from ml.training.recipe.explained import OUTPUTS, ExplainedLesionNet
from ml.training.recipe.network import LesionNet

OPSET: Final = 17


def write_graph(explained: ExplainedLesionNet, size: int, file: Path) -> None:
    """Trace it in evaluation mode, (N, 3, size, size) → `OUTPUTS`, into one ONNX file; only N is free.

    Parameters keep their names, so that `read_network` finds them. The runtime folds batch norms into convolutions
    when it loads the graph.
    """
    with warnings.catch_warnings():
        # The tracing exporter needs only `onnx`; its successor needs onnxscript and writes the weights to another file.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # it branches on the size, which is fixed
        warnings.filterwarnings("ignore", "Constant folding", UserWarning)
        torch.onnx.export(
            explained.eval().to(memory_format=torch.contiguous_format),
            (torch.zeros(1, 3, size, size),),
            str(file),
            dynamo=False,
            opset_version=OPSET,
            training=torch.onnx.TrainingMode.PRESERVE,
            do_constant_folding=False,
            input_names=["images"],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "batch"} for name in ["images", *OUTPUTS]},
        )


def read_network(bundle: Bundle) -> LesionNet:
    """The bundle's trunk and diagnosis heads in evaluation mode, for the reference methods and the benchmark.

    Raises ValueError if the graph is not that of this network.
    """
    graph = onnx.load(bundle.model_file).graph
    values = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    # The exporter stores equal ones once and lets the others refer to it.
    same = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    values |= {name: values[source] for name, source in same.items() if source in values}
    network = LesionNet()
    for part in ("features", "bcc_head", "lesion_head"):
        _load(network.get_submodule(part), values, f"network.{part}.")
    return network.eval()


def _load(module: nn.Module, values: Mapping[str, Tensor], prefix: str) -> None:
    """Everything but the batch norms' counters, which only training needs."""
    named = {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
    counters = {name: value for name, value in module.state_dict().items() if name.endswith("num_batches_tracked")}
    try:
        module.load_state_dict(counters | named)
    except RuntimeError as error:
        raise ValueError("The graph's parameters are not those of this network.") from error
