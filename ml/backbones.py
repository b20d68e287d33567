"""Table 5 of Matas et al., arXiv 2407.00104: what a backbone costs, and how well it does where it was trained here.

Architectures are torchvision's with their 1000 ImageNet classes, as published. Costs do not depend on weights, so none
are downloaded.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import get_model, get_model_weights

NOT_TRAINED: Final = "not trained here"


@dataclass(frozen=True)
class Backbone:
    """A torchvision architecture; `size` is the side of its published input in pixels."""

    name: str
    label: str
    size: int = 224


BACKBONES: Final = (
    Backbone("mobilenet_v2", "MobileNet-V2"),
    Backbone("efficientnet_b0", "EfficientNet-B0"),
    Backbone("resnet50", "ResNet-50"),
    Backbone("densenet121", "DenseNet-121"),
    Backbone("vgg19", "VGG-19"),
    Backbone("inception_v3", "Inception-v3", 299),
    Backbone("convnext_tiny", "ConvNeXt-Tiny"),
    Backbone("vit_b_16", "ViT-B/16"),
    Backbone("swin_t", "Swin-T"),
)


@dataclass(frozen=True)
class Cost:
    """`gmacs`: 10⁹ multiply-accumulates of one image, which tables of networks usually call GFLOPs.

    `latency_ms`: median of eager torch on this processor, one image at a time; None where it was not measured.
    """

    parameters: int
    gmacs: float
    latency_ms: float | None


def build(backbone: Backbone) -> nn.Module:
    """The untrained network in evaluation mode, on torch's default device."""
    # Inception's own initialisation takes a minute; GoogLeNet and it are the only ones to offer leaving it out.
    options = {"init_weights": False} if backbone.name == "inception_v3" else {}
    model: nn.Module = get_model(backbone.name, **options)
    return model.eval()


@cache
def count(backbone: Backbone) -> tuple[int, float]:
    """Parameters and 10⁹ multiply-accumulates, counted at every convolution, matrix product and attention.

    On the meta device: shapes only, no arithmetic and no memory.
    """
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        model = build(backbone)
        model(torch.zeros(1, 3, backbone.size, backbone.size))
    return sum(parameter.numel() for parameter in model.parameters()), counter.get_total_flops() / 2e9


def published(backbone: Backbone) -> tuple[int, float]:
    """What torchvision's own documentation says: parameters and 10⁹ multiply-accumulates."""
    meta = get_model_weights(backbone.name).DEFAULT.meta
    return int(meta["num_params"]), float(meta["_ops"])


def latency_ms(backbone: Backbone, repetitions: int, threads: int) -> float:
    """Median milliseconds of one forward pass of one image, after one to warm up."""
    model = build(backbone)
    images = torch.rand(1, 3, backbone.size, backbone.size)
    seconds = []
    with _threads(threads), torch.inference_mode():
        model(images)
        for _ in range(repetitions):
            start = time.perf_counter()
            model(images)
            seconds.append(time.perf_counter() - start)
    return float(np.median(seconds) * 1e3)


def cost(backbone: Backbone, repetitions: int = 5, threads: int = 1) -> Cost:
    """`repetitions` 0 leaves the latency out."""
    parameters, gmacs = count(backbone)
    return Cost(parameters, gmacs, latency_ms(backbone, repetitions, threads) if repetitions else None)


def table(
    backbones: Sequence[Backbone] = BACKBONES,
    accuracy: Mapping[str, Mapping[str, Any]] | None = None,
    repetitions: int = 5,
    threads: int = 1,
) -> list[dict[str, Any]]:
    """The rows ready for JSON. `accuracy` maps a backbone's name to figures measured here; the others say so."""
    known = accuracy or {}
    return [
        {
            **asdict(backbone),
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
