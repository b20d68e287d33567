"""Images, networks and bundles generated for the tests."""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ml.backbones import DEFAULT
from ml.bundle import MODEL_FILE, Bundle, sha256_of, write_card
from ml.card import BCC, Card, OperatingPoint, Target
from ml.evaluation.bootstrap import Estimate
from ml.imaging.preprocessing import PreprocessingSpec
from ml.imaging.quality import QualityLimits
from ml.patterns import Lesion, Pattern
from ml.training.export import export_onnx
from ml.training.network import MultiTaskNet


def numbers(estimate: Estimate) -> tuple[float, float, float]:
    """Low, value and high, where all three must be known."""
    low, value, high = (estimate[name] for name in ("low", "value", "high"))
    assert low is not None
    assert value is not None
    assert high is not None
    return low, value, high


def picture(seed: int = 1, size: tuple[int, int] = (320, 240), dark: bool = False) -> Image.Image:
    """A blob on skin with fine texture: sharp, well lit, reproducible from its seed."""
    generator = np.random.default_rng(seed)
    width, height = size
    y, x = np.mgrid[:height, :width]
    inside = np.hypot(x - width / 2, y - height / 2) < min(size) * generator.uniform(0.2, 0.35)
    colour = np.where(inside[..., None], (70, 60, 90) if dark else (140, 90, 70), (220, 180, 165))
    noisy = colour + generator.normal(0, 8, (height, width, 1)) + generator.normal(0, 4, 3)
    return Image.fromarray(noisy.clip(0, 255).astype(np.uint8))


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def write_bundle(folder: Path, network: MultiTaskNet, spec: PreprocessingSpec | None = None) -> Bundle:
    """Export a network with an uncalibrated card."""
    spec = spec or PreprocessingSpec()
    folder.mkdir(parents=True, exist_ok=True)
    export_onnx(network, spec.size, folder / MODEL_FILE)
    points = (OperatingPoint(0.95, 0.5, 0.95, 0.9),)
    codes = (BCC, *(pattern.value for pattern in network.patterns))
    card = Card(
        name=folder.name,
        created="2025-01-01T00:00:00+00:00",
        sha256=sha256_of(folder / MODEL_FILE),
        backbone=f"{network.backbone.label}, random weights",
        preprocessing=spec,
        targets=tuple(Target(code, "none: random weights", 1.0, 0.0, points, 0.95) for code in codes),
        lesions=tuple(Lesion),
        lesion_temperature=1.0,
        quality=QualityLimits(),
        intended_use="Tests.",
        clinically_validated=False,
        notice="Random weights.",
    )
    write_card(folder, card)
    return Bundle.load(folder)


def random_network(patterns: tuple[Pattern, ...] = (), seed: int = 1, backbone: str = DEFAULT) -> MultiTaskNet:
    """Random weights, with batch-norm statistics from random images so that signals neither vanish nor explode."""
    torch.manual_seed(seed)
    network = MultiTaskNet(patterns, backbone=backbone)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    network.train()
    with torch.no_grad():
        network(torch.rand(8, 3, 96, 96) * 2 - 1)
        for parameter in (network.bcc_head.weight, network.lesion_head.weight):
            parameter.normal_(0, 0.1)
    return network.eval()
