"""An exported graph opened up for explanation: it also returns the activations behind its heatmaps.

Needs `onnx` as well as onnxruntime, so it belongs to the command line, not to serving.
"""

from pathlib import Path
from typing import Final

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from ml.bundle import BundleError
from ml.explain.base import Array

LESIONS: Final = "lesion_logits"


class GraphModel:
    """`ml.explain.base.Model` over the lesion types of a graph of `ml.training.recipe.graph`.

    Raises `BundleError` for any other graph.
    """

    def __init__(self, file: Path, threads: int = 0) -> None:
        try:
            model = onnx.load(file)
            nodes = {output: node for node in model.graph.node for output in node.output}
            self._weights = _linear_weights(model, nodes[LESIONS])
            self.pooled = nodes[LESIONS].input[0]
            self._activations = nodes[self.pooled].input[0]
        except (OSError, KeyError, ValueError, IndexError) as error:
            raise BundleError(f"The weights in {file.parent} cannot be explained: {error}.") from error
        del model.graph.output[:]  # nodes that lead to no output are not run
        for name in (LESIONS, self._activations):
            model.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = threads, 3
        options.enable_mem_pattern = False  # batches differ in size
        self._session = ort.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])

    @property
    def weights(self) -> Array:
        return self._weights

    def activations(self, images: Array) -> Array:
        (values,) = self._session.run([self._activations], {"images": images})
        return values

    def logits(self, images: Array) -> Array:
        (values,) = self._session.run([LESIONS], {"images": images})
        return np.asarray(values)


def _linear_weights(model: onnx.ModelProto, node: onnx.NodeProto) -> Array:
    """The (T, C) weights of a head. Raises ValueError if the node is not linear."""
    transposed = any(attribute.name == "transB" and attribute.i == 1 for attribute in node.attribute)
    if node.op_type != "Gemm" or not transposed:
        raise ValueError(f"{node.output[0]} is not a linear head")
    values = {tensor.name: tensor for tensor in model.graph.initializer}
    return numpy_helper.to_array(values[node.input[1]])
