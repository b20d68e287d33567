"""The reference: pytorch-grad-cam, against which our methods are tested and timed."""

import contextlib
import io
from typing import Any, ClassVar, Protocol, Self

import torch
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, ScoreCAM
from pytorch_grad_cam.base_cam import BaseCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn


class Network(Protocol):
    """What the reference needs of a network (`ml.training.recipe.network.LesionNet` has it)."""

    features: nn.Sequential

    def eval(self) -> Self: ...

    def __call__(self, images: Tensor) -> Any:
        """(N, 3, H, W) → an object with `lesion` (N, T)."""


class _LesionLogits(nn.Module):
    """pytorch-grad-cam wants a model whose output is one tensor."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images).lesion
        return logits


class ReferenceGradCam:
    """pytorch-grad-cam 1.5 on the last backbone block. Maps are scaled to [0, 1] per image, and to input size."""

    method: ClassVar[type[BaseCAM]] = GradCAM

    def __init__(self, network: Network) -> None:
        self.network = network.eval()

    def heatmaps(self, images: Tensor, target: int) -> Tensor:
        """(N, 3, H, W) normalised images → (N, H, W) maps in [0, 1] for one lesion type."""
        layers = [self.network.features[-1]]
        quiet = contextlib.redirect_stderr(io.StringIO())  # Score-CAM draws a progress bar
        with quiet, self.method(_LesionLogits(self.network), layers) as method:  # the context releases its hooks
            maps = method(input_tensor=images, targets=[ClassifierOutputTarget(target)] * len(images))
        return torch.from_numpy(maps)


class ReferenceGradCamPlusPlus(ReferenceGradCam):
    method = GradCAMPlusPlus


class ReferenceScoreCam(ReferenceGradCam):
    method = ScoreCAM
