"""Every target with its map, timed against the bare forward pass, pytorch-grad-cam and other runtimes."""

import os
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from ml.bench.runtimes import CHOSEN, OPENVINO_INSTALLED, Forward, agreement, forwards
from ml.bench.subject import Array, Subject, subject
from ml.bench.timing import Seconds, interleaved, machine, ratio, summary, unsteady
from ml.bundle import Bundle
from ml.card import Place
from ml.engine import Engine
from ml.explain.graph import GraphModel
from ml.explain.reference import ReferenceGradCam
from ml.imaging.decoding import decode
from ml.results import Heatmap

CALIBRATION, IMAGES, BATCH = 8, 16, 4
_LIBRARIES: Final = ("onnxruntime", "torch", "grad-cam", "numpy", "pillow")


def bench(shipped: Bundle, folder: Path, threads: int, repetitions: int) -> dict[str, Any]:
    """Every figure, ready for JSON. `folder` is for scratch files; every contestant gets the same `threads`."""
    load = os.getloadavg()[0]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        timed = subject(shipped, CALIBRATION + IMAGES)
        runtimes = forwards(timed, folder, threads, timed.inputs[:CALIBRATION])
        seconds = interleaved(contestants(timed, runtimes, threads), repetitions)
    finally:
        torch.set_num_threads(before)
    head = GraphModel(shipped.model_file, threads).weights[0]
    return {
        "bundle": shipped.reference,
        "machine": machine(threads, load),
        "versions": {library: version(library) for library in _LIBRARIES},
        "rounds": len(seconds[CHOSEN]),
        "unsteady": unsteady(seconds),
        "times": summary(seconds),
        **headline(seconds),
        "runtime_vs_alternatives": _comparison(seconds, runtimes, timed.inputs[CALIBRATION:], head),
    }


def contestants(timed: Subject, runtimes: dict[str, Forward], threads: int) -> dict[str, Callable[[], object]]:
    """What is timed: one image each, always the same, except `end_to_end_batch` with four."""
    engine, reference = Engine(timed.bundle, threads), ReferenceGradCam(timed.network)
    file, prepared, bare = timed.files[0], timed.inputs[:1], runtimes[CHOSEN]
    tensor, size = torch.from_numpy(prepared), prepared.shape[-1]
    # It explains the network's lesion types; as many passes as there are maps.
    targets = [number % len(timed.bundle.card.lesions) for number in range(len(timed.bundle.card.targets))]

    def all_maps() -> list[object]:
        # Scaled and enlarged, as pytorch-grad-cam's maps are.
        cams = engine.forward(prepared)["cams"][0]
        return [Heatmap(raw, Place(max(float(raw.max()), 1e-6), 0.0)).scaled(size) for raw in cams]

    return {
        "heads_and_maps": lambda: engine.forward(prepared),
        "all_maps": all_maps,
        "pytorch_grad_cam": lambda: [reference.heatmaps(tensor, target) for target in targets],
        "end_to_end": lambda: engine.run([decode(file)]),
        "end_to_end_batch": lambda: engine.run([decode(each) for each in timed.files[:BATCH]]),
        "decode_and_forward": lambda: (decode(file), bare(prepared)),
        **{name: partial(forward, prepared) for name, forward in runtimes.items()},
    }


def headline(seconds: Seconds) -> dict[str, float]:
    """The headline figures: rates, then ratios of medians."""
    median = {name: float(np.median(values)) for name, values in seconds.items()}
    return {
        "images_per_second": round(1 / median["end_to_end"], 2),
        "images_per_second_in_batches_of_four": round(BATCH / median["end_to_end_batch"], 2),
        "heads_and_maps_vs_forward": round(median["heads_and_maps"] / median[CHOSEN], 3),
        "speedup_vs_pytorch_grad_cam": round(median["pytorch_grad_cam"] / median["all_maps"], 1),
        "end_to_end_vs_decode_and_forward": round(median["end_to_end"] / median["decode_and_forward"], 3),
    }


def _comparison(seconds: Seconds, runtimes: dict[str, Forward], inputs: Array, head: Array) -> dict[str, Any]:
    """The bare backbone in other runtimes: time relative to the chosen one, and agreement with it."""
    others = {
        name: {
            "times_the_chosen": round(ratio(seconds, name, CHOSEN), 3),
            **agreement(runtimes[CHOSEN], forward, inputs, head),
        }
        for name, forward in runtimes.items()
        if name != CHOSEN
    }
    missing = {} if OPENVINO_INSTALLED else {"openvino": "not installed"}
    return {"chosen": CHOSEN, **others, **missing}
