"""One entry per backbone: stages that end in a map (N, C, h, w), and what its weights expect."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from torch import nn
from torchvision.models import get_model, get_model_weights

from ml.backbones import efficientnet_lite, stages
from ml.data.records import DataError
from ml.imaging.preprocessing import IMAGENET, SIGNED_UNIT, PreprocessingSpec


@dataclass(frozen=True)
class Backbone:
    """An architecture without its ImageNet classifier.

    `build(weights)` makes its stages: random for None, else with the published weights of that name (see `weights`).
    The last stage returns (N, `channels`, h, w); between stages the shape may differ (tokens). `spec` is the input that
    the published weights expect.
    """

    name: str
    label: str
    channels: int
    build: Callable[[str | None], nn.Sequential]
    weights: tuple[str, ...]
    spec: PreprocessingSpec = IMAGENET

    @property
    def size(self) -> int:
        """Side of the input in pixels."""
        return self.spec.size


def _torchvision(name: str, label: str, channels: int, arrange: stages.Arrange, **more: Any) -> Backbone:
    build = partial(_build, name, arrange, more.pop("options", {}))
    return Backbone(name, label, channels, build, tuple(get_model_weights(name).__members__), **more)


def _build(name: str, arrange: stages.Arrange, options: dict[str, bool], weights: str | None) -> nn.Sequential:
    return arrange(get_model(name, weights=weights, **options))


_BICUBIC: Final = replace(IMAGENET, resample="bicubic")
# Inception's own initialisation takes a minute; its auxiliary classifier is only for training on ImageNet.
_BARE_INCEPTION: Final = {"init_weights": False, "aux_logits": False}

BACKBONES: Final = (
    _torchvision("mobilenet_v2", "MobileNet-V2", 1280, stages.features),
    Backbone(
        "efficientnet_lite0",
        "EfficientNet-Lite0",
        efficientnet_lite.CHANNELS,
        efficientnet_lite.build,
        efficientnet_lite.WEIGHTS,
        efficientnet_lite.SPEC,
    ),
    _torchvision("efficientnet_b0", "EfficientNet-B0", 1280, stages.features, spec=_BICUBIC),
    _torchvision("resnet50", "ResNet-50", 2048, stages.resnet),
    _torchvision("densenet121", "DenseNet-121", 1024, stages.densenet),
    _torchvision("vgg19", "VGG-19", 512, stages.features),
    _torchvision(
        "inception_v3",
        "Inception-v3",
        2048,
        stages.inception,
        # torchvision converts its normalisation to this one inside the network, which is skipped here.
        spec=replace(SIGNED_UNIT, size=299),
        options=_BARE_INCEPTION,
    ),
    _torchvision("convnext_tiny", "ConvNeXt-Tiny", 768, stages.features),
    _torchvision("vit_b_16", "ViT-B/16", 768, stages.vision_transformer),
    _torchvision("swin_t", "Swin-T", 768, stages.swin, spec=_BICUBIC),
)
DEFAULT: Final = "mobilenet_v2"


def find(name: str) -> Backbone:
    """The backbone of that name. Raises `DataError`."""
    for backbone in BACKBONES:
        if backbone.name == name:
            return backbone
    raise DataError(f"There is no backbone named {name}; known: {', '.join(each.name for each in BACKBONES)}.")


def described(text: str) -> Backbone:
    """The backbone whose label begins a card's description, as in "MobileNet-V2 1.0, 224 × 224".

    Raises `DataError`.
    """
    for backbone in BACKBONES:
        if text.startswith(backbone.label):
            return backbone
    raise DataError(f"The card's backbone, {text!r}, is none of those known here.")
