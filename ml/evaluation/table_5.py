"""Table 5 of Matas et al., arXiv 2407.00104: what each backbone costs, and its accuracy where it was trained here.

Counted up to the map that is pooled: our heads add next to nothing, and the ImageNet classifiers (VGG-19's has seven
times the parameters of its backbone) are not used. Costs do not depend on weights, so none are downloaded.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from ml.backbones import BACKBONES, Backbone

NOT_TRAINED: Final = "not trained here"


@dataclass(frozen=True)
class Cost:
    """`gmacs`: 10⁹ multiply-accumulates of one image, which tables of networks usually call GFLOPs.

    `latency_ms`: median of eager torch on this processor, one image at a time; None if not measured.
    """

    parameters: int
    gmacs: float
    latency_ms: float | None


@cache
def count(backbone: Backbone) -> tuple[int, float]:
    """Parameters and 10⁹ multiply-accumulates, counted at every convolution, matrix product and attention.

    On the meta device: shapes only, no arithmetic and no memory.
    """
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        stages = backbone.build(None).eval()
        stages(torch.zeros(1, 3, backbone.size, backbone.size))
    return sum(parameter.numel() for parameter in stages.parameters()), counter.get_total_flops() / 2e9


def latency_ms(backbone: Backbone, repetitions: int, threads: int) -> float:
    """Median milliseconds of a forward pass of one image, after one pass to warm up."""
    stages = backbone.build(None).eval()
    images = torch.rand(1, 3, backbone.size, backbone.size)
    seconds = []
    with _threads(threads), torch.inference_mode():
        stages(images)
        for _ in range(repetitions):
            start = time.perf_counter()
            stages(images)
            seconds.append(time.perf_counter() - start)
    return float(np.median(seconds) * 1e3)


def cost(backbone: Backbone, repetitions: int = 5, threads: int = 1) -> Cost:
    """Without a latency if `repetitions` is 0."""
    parameters, gmacs = count(backbone)
    return Cost(parameters, gmacs, latency_ms(backbone, repetitions, threads) if repetitions else None)


def table(
    backbones: Sequence[Backbone] = BACKBONES,
    accuracy: Mapping[str, Mapping[str, Any]] | None = None,
    repetitions: int = 5,
    threads: int = 1,
) -> list[dict[str, Any]]:
    """The rows, ready for JSON. `accuracy`: figures measured here, by backbone; the other rows say `NOT_TRAINED`."""
    known = accuracy or {}
    return [
        {
            "name": backbone.name,
            "label": backbone.label,
            "size": backbone.size,
            **asdict(cost(backbone, repetitions, threads)),
            "accuracy": dict(known[backbone.name]) if backbone.name in known else NOT_TRAINED,
        }
        for backbone in backbones
    ]


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
