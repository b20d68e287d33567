"""The network that a finished run left behind, and the input that its weights expect."""

from pathlib import Path
from typing import Final

import torch
from safetensors.torch import load_file
from torch import Tensor

from ml.imaging.preprocessing import SIGNED_UNIT
from ml.training.recipe.config import Recipe
from ml.training.recipe.network import LesionNet

WEIGHTS: Final = "weights.safetensors"


def load(recipe: Recipe, folder: Path) -> LesionNet:
    """The averaged network of a finished run, ready to evaluate."""
    network = LesionNet(recipe.backbone, recipe.cut, recipe.dropout)
    network.load_state_dict(load_file(folder / WEIGHTS))
    return network.to(memory_format=torch.channels_last).eval()


def normalise(images: Tensor) -> Tensor:
    """0–255 → the input that the ImageNet weights here expect, in [-1, 1]."""
    mean, std = SIGNED_UNIT.mean[0], SIGNED_UNIT.std[0]
    return ((images - mean) / std).contiguous(memory_format=torch.channels_last)
