"""The bare backbone in every available runtime: same graph, same threads, one image → pooled features."""

import importlib.util
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime as ort
import torch
from onnx.utils import Extractor
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static

from ml.bench.subject import Array, Subject
from ml.explain.graph import GraphModel

Forward = Callable[[Array], Array]
CHOSEN: Final = "onnxruntime"
OPENVINO_INSTALLED: Final = importlib.util.find_spec("openvino") is not None


def bare_graph(model_file: Path) -> onnx.ModelProto:
    """The exported graph up to its last pooled features: no heads, no heatmaps."""
    pooled = GraphModel(model_file).pooled
    model = onnx.shape_inference.infer_shapes(onnx.load(model_file))
    extracted: onnx.ModelProto = Extractor(model).extract_model(["images"], [pooled])
    return extracted


def session(model: onnx.ModelProto | Path, threads: int) -> Forward:
    """The graph's first output in onnxruntime, with the options of `ml.engine`."""
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads, options.log_severity_level = threads, 1, 3
    options.enable_mem_pattern = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    source = model if isinstance(model, Path) else model.SerializeToString()
    loaded = ort.InferenceSession(source, options, ["CPUExecutionProvider"])

    def forward(images: Array) -> Array:
        output: Array = loaded.run(None, {"images": images})[0]
        return output

    return forward


def forwards(subject: Subject, folder: Path, threads: int, calibration: Array) -> dict[str, Forward]:
    """Every runtime by name, the chosen one first. The caller sets torch's thread count."""
    bare = bare_graph(subject.bundle.model_file)
    found = {CHOSEN: session(bare, threads), "torch_eager": _eager(subject)}
    if OPENVINO_INSTALLED:
        found["openvino"] = _openvino(bare, folder, threads)
    dynamic, static = folder / "dynamic.onnx", folder / "static.onnx"
    with _quiet():
        folded = _folded(bare, folder / "folded.onnx")
        quantize_dynamic(folded, dynamic, weight_type=QuantType.QUInt8)
        quantize_static(folded, static, _Batches(calibration), per_channel=True, activation_type=QuantType.QUInt8)
    return {
        **found,
        "onnxruntime_int8_dynamic": session(dynamic, threads),
        "onnxruntime_int8_static": session(static, threads),
    }


def agreement(reference: Forward, other: Forward, inputs: Array, head: Array) -> dict[str, float]:
    """How close another runtime's features are to the reference's, and the effect on the logits of a head (C,)."""
    ours, theirs = (np.concatenate([f(inputs[i : i + 1]) for i in range(len(inputs))]) for f in (reference, other))
    cosine = (ours * theirs).sum(axis=1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(theirs, axis=1)
    first, second = ours @ head, theirs @ head
    return {
        "images": len(inputs),
        "smallest_cosine_of_features": round(float(cosine.min()), 6),
        "largest_difference_of_logit": round(float(np.abs(first - second).max()), 6),
        "sd_of_logit": round(float(first.std()), 6),
    }


def _eager(subject: Subject) -> Forward:
    def forward(images: Array) -> Array:
        with torch.inference_mode():
            features: Array = subject.network.features(torch.from_numpy(images)).mean(dim=(2, 3)).numpy()
        return features

    return forward


def _folded(bare: onnx.ModelProto, file: Path) -> Path:
    """The graph with batch norms folded into the convolutions, which the quantiser does not do itself."""
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath, options.log_severity_level = str(file), 3
    ort.InferenceSession(bare.SerializeToString(), options, ["CPUExecutionProvider"])
    return file


def _openvino(bare: onnx.ModelProto, folder: Path, threads: int) -> Forward:
    import openvino

    onnx.save(bare, folder / "bare.onnx")
    core = openvino.Core()
    settings: dict[str, Any] = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
    compiled = core.compile_model(str(folder / "bare.onnx"), "CPU", settings)

    def forward(images: Array) -> Array:
        features: Array = compiled([images])[0]
        return features

    return forward


class _Batches(CalibrationDataReader):
    def __init__(self, inputs: Array) -> None:
        self._rows = iter(inputs)

    def get_next(self) -> dict[str, Array] | None:
        row = next(self._rows, None)
        return None if row is None else {"images": row[None]}


@contextmanager
def _quiet() -> Iterator[None]:
    # The quantiser recommends a pre-processing step through the root logger.
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
