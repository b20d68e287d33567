"""Back from an exported graph to the torch network it was made of, for the reference methods and the bench."""

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from ml.bundle import Bundle
from ml.network import MultiTaskNet
from ml.patterns import Pattern


def network_of(bundle: Bundle, patterns: tuple[Pattern, ...] | None = None) -> MultiTaskNet:
    """The bundle's MobileNet-V2 in evaluation mode; its batch norms are folded into the convolutions and stay neutral.

    With other `patterns` than the bundle's the backbone is the bundle's and the heads are random.
    Raises ValueError for a graph of another make.
    """
    network = MultiTaskNet(bundle.card.patterns if patterns is None else patterns)
    graph = onnx.load(bundle.model_file).graph
    values = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    _load_features(network, graph, values)
    if network.patterns == bundle.card.patterns:
        heads = {name.removeprefix("network."): value for name, value in values.items() if "_head." in name}
        network.load_state_dict(heads, strict=False)
    return network.eval()


def _load_features(network: MultiTaskNet, graph: onnx.GraphProto, values: dict[str, Tensor]) -> None:
    convolutions = [node for node in graph.node if node.op_type == "Conv" and len(node.input) == 3]
    units = [module for module in network.features.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]
    for node, convolution, norm in zip(convolutions, units[::2], units[1::2], strict=True):
        if not isinstance(norm, nn.BatchNorm2d) or values[node.input[1]].shape != convolution.weight.shape:
            raise ValueError("The graph's convolutions are not those of this network.")
        convolution.weight.data = values[node.input[1]]
        norm.bias.data = values[node.input[2]]  # after folding: no scale, only a shift
        norm.eps = 0.0
