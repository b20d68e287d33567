"""torchvision's networks as a sequence of stages, the last of which returns a map (N, C, h, w) to pool.

Each function takes a network apart and reuses its modules and weights; the classifier is dropped.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import DenseNet, Inception3, ResNet, SwinTransformer, VisionTransformer

Arrange = Callable[[Any], nn.Sequential]


def features(network: Any) -> nn.Sequential:
    """MobileNet-V2, EfficientNet, VGG and ConvNeXt are sequential already.

    ConvNeXt's last normalisation belongs to its classifier and so not to its features.
    """
    row: nn.Sequential = network.features
    return row


def densenet(network: DenseNet) -> nn.Sequential:
    """torchvision applies the last ReLU outside the features."""
    row = features(network)
    row.add_module("relu5", nn.ReLU())
    return row


def resnet(network: ResNet) -> nn.Sequential:
    stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
    return nn.Sequential(stem, network.layer1, network.layer2, network.layer3, network.layer4)


def inception(network: Inception3) -> nn.Sequential:
    """Every block up to the pool, in the order torchvision declares and runs them."""
    blocks = [module for name, module in network.named_children() if name not in ("avgpool", "dropout", "fc")]
    return nn.Sequential(*blocks)


def swin(network: SwinTransformer) -> nn.Sequential:
    """Between its stages the channels come last; after the last stage, second."""
    return nn.Sequential(*network.features, nn.Sequential(network.norm, network.permute))


def vision_transformer(network: VisionTransformer) -> nn.Sequential:
    """The class token takes part in attention but is left out of the map."""
    encoder, side = network.encoder, network.image_size // network.patch_size
    embedding = _Tokens(network.conv_proj, network.class_token, encoder.pos_embedding)
    return nn.Sequential(embedding, *encoder.layers, _TokenMap(encoder.ln, side))


class _Tokens(nn.Module):
    """(N, 3, H, W) → the class token and then the patches, row by row, with positions added: (N, 1 + h·w, C)."""

    def __init__(self, projection: nn.Module, class_token: nn.Parameter, positions: nn.Parameter) -> None:
        super().__init__()
        self.projection, self.class_token, self.positions = projection, class_token, positions

    def forward(self, images: Tensor) -> Tensor:
        patches = self.projection(images).flatten(2).transpose(1, 2)
        first = self.class_token.expand(images.shape[0], -1, -1)
        return torch.cat([first, patches], dim=1) + self.positions


class _TokenMap(nn.Module):
    """(N, 1 + side², C) → the normalised patches at their places in the image: (N, C, side, side)."""

    def __init__(self, norm: nn.Module, side: int) -> None:
        super().__init__()
        self.norm, self.side = norm, side

    def forward(self, tokens: Tensor) -> Tensor:
        patches: Tensor = self.norm(tokens)[:, 1:].transpose(1, 2)
        return patches.unflatten(2, (self.side, self.side))
