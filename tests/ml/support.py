"""Images, networks and bundles generated for the tests."""

import io
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ml.bundle import MODEL_FILE, Bundle, sha256_of, write_card
from ml.card import CODES, Card, OperatingPoint, Place, Target
from ml.card import Gate as CardGate
from ml.evaluation.bootstrap import Estimate
from ml.imaging.preprocessing import PreprocessingSpec
from ml.imaging.quality import QualityLimits
from ml.patterns import Lesion
from ml.training.modality import Gate
from ml.training.recipe.explained import ExplainedLesionNet
from ml.training.recipe.graph import write_graph
from ml.training.recipe.network import CHANNELS, LesionNet


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


def random_network(seed: int = 1) -> LesionNet:
    """Random weights, with batch-norm statistics from random images so that signals neither vanish nor explode."""
    torch.manual_seed(seed)
    network = LesionNet()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    network.train()
    with torch.no_grad():
        network(torch.rand(8, 3, 96, 96) * 2 - 1)
        for parameter in (network.bcc_head.weight, network.lesion_head.weight):
            parameter.normal_(0, 0.1)
        network.cell_head.weight.normal_(0, 0.05)
        network.cell_head.bias.zero_()
    return network.eval()


def explained(network: LesionNet | None = None, seed: int = 1) -> ExplainedLesionNet:
    """A network, by default a random one, and a gate that takes everything for dermoscopic."""
    gate = Gate(np.zeros((sum(CHANNELS), 3)), np.array([4.0, 0.0, -1.0]))
    return ExplainedLesionNet(network or random_network(seed), gate).eval()


def random_target(code: str) -> Target:
    """Uncalibrated, present from one half on, its map shown in full colour from 0.5."""
    return Target(
        code=code,
        evidence="none: random weights",
        temperature=1.0,
        offset=0.0,
        operating_points=(OperatingPoint(0.95, 0.5, 0.95, 0.9),),
        default_sensitivity=0.95,
        place=Place(full=0.5, floor=1e-6),
        prior=0.5,
    )


def write_bundle(folder: Path, graph: ExplainedLesionNet, spec: PreprocessingSpec | None = None) -> Bundle:
    """Export a graph with an uncalibrated card."""
    spec = spec or PreprocessingSpec(size=96)
    folder.mkdir(parents=True, exist_ok=True)
    write_graph(graph, spec.size, folder / MODEL_FILE)
    card = Card(
        name=folder.name,
        created="2025-01-01T00:00:00+00:00",
        sha256=sha256_of(folder / MODEL_FILE),
        backbone="MobileNet-V2, random weights",
        preprocessing=spec,
        targets=tuple(random_target(code) for code in CODES),
        lesions=tuple(Lesion),
        lesion_temperature=1.0,
        quality=QualityLimits(),
        intended_use="Tests.",
        clinically_validated=False,
        notice="Random weights.",
        gate=CardGate(0.5, "none: random weights"),
    )
    write_card(folder, card)
    return Bundle.load(folder)
