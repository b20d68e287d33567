"""Rebuild the torch network from an exported graph, for the reference methods and the benchmark."""

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from ml.backbones import described
from ml.bundle import Bundle
from ml.patterns import Pattern
from ml.training.network import MultiTaskNet

_PREFIX = "network."


def network_of(bundle: Bundle, patterns: tuple[Pattern, ...] | None = None) -> MultiTaskNet:
    """The bundle's network in evaluation mode.

    If `patterns` differ from the bundle's, only the backbone is the bundle's and the heads are random.
    Raises `DataError` for an unknown backbone, ValueError if the graph is not that of this network.
    """
    backbone = described(bundle.card.backbone).name
    network = MultiTaskNet(bundle.card.patterns if patterns is None else patterns, backbone=backbone)
    graph = onnx.load(bundle.model_file).graph
    values = _values(graph)
    if any(name.startswith(f"{_PREFIX}features.") for name in values):
        _load(network.features, values, f"{_PREFIX}features.")
    else:
        _load_folded(network, graph, values)
    if network.patterns == bundle.card.patterns:
        for name, head in network.named_children():
            if name.endswith("_head"):
                _load(head, values, f"{_PREFIX}{name}.")
    return network.eval()


def _values(graph: onnx.GraphProto) -> dict[str, Tensor]:
    """Every parameter by name; the exporter stores equal ones once and lets the others refer to it."""
    values = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    same = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    return values | {name: values[source] for name, source in same.items() if source in values}


def _load(module: nn.Module, values: dict[str, Tensor], prefix: str) -> None:
    """Load everything but the batch norms' counters, which only training needs."""
    named = {name.removeprefix(prefix): value for name, value in values.items() if name.startswith(prefix)}
    counters = {name: value for name, value in module.state_dict().items() if name.endswith("num_batches_tracked")}
    try:
        module.load_state_dict(counters | named)
    except RuntimeError as error:
        raise ValueError("The graph's parameters are not those of this network.") from error


def _load_folded(network: MultiTaskNet, graph: onnx.GraphProto, values: dict[str, Tensor]) -> None:
    """For older bundles, a MobileNet-V2 with batch norms folded into its convolutions: make the batch norms neutral."""
    convolutions = [node for node in graph.node if node.op_type == "Conv" and len(node.input) == 3]
    units = [module for module in network.features.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
    for node, convolution, norm in zip(convolutions, units[::2], units[1::2], strict=True):
        if not isinstance(norm, nn.BatchNorm2d) or values[node.input[1]].shape != convolution.weight.shape:
            raise ValueError("The graph's convolutions are not those of this network.")
        convolution.weight.data = values[node.input[1]]
        norm.bias.data = values[node.input[2]]  # folding leaves a shift and no scale
        norm.eps = 0.0
