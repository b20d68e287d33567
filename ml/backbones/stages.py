"""torchvision's networks as stages in a row, the last of which gives a map (N, C, h, w) to pool.

Each function takes a network apart and uses its modules and weights; the network's classifier is left behind.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models import DenseNet, Inception3, ResNet, SwinTransformer, VisionTransformer

Arrange = Callable[[Any], nn.Sequential]


def features(network: Any) -> nn.Sequential:
    """MobileNet-V2, EfficientNet, VGG and ConvNeXt keep them in a row already.

    ConvNeXt's classifier begins with a normalisation, which therefore is not part of its features.
    """
    row: nn.Sequential = network.features
    return row


def densenet(network: DenseNet) -> nn.Sequential:
    """torchvision applies the last ReLU outside the row."""
    row = features(network)
    row.add_module("relu5", nn.ReLU())
    return row


def resnet(network: ResNet) -> nn.Sequential:
    stem = nn.Sequential(network.conv1, network.bn1, network.relu, network.maxpool)
    return nn.Sequential(stem, network.layer1, network.layer2, network.layer3, network.layer4)


def inception(network: Inception3) -> nn.Sequential:
    """Every block up to the pool, in the order in which torchvision declares and runs them."""
    blocks = [module for name, module in network.named_children() if name not in ("avgpool", "dropout", "fc")]
    return nn.Sequential(*blocks)


def swin(network: SwinTransformer) -> nn.Sequential:
    """Channels come last between its stages, and second after the last one."""
    return nn.Sequential(*network.features, nn.Sequential(network.norm, network.permute))


def vision_transformer(network: VisionTransformer) -> nn.Sequential:
    """The class token takes part in the attention and stays out of the map."""
    encoder, side = network.encoder, network.image_size // network.patch_size
    embedding = _Tokens(network.conv_proj, network.class_token, encoder.pos_embedding)
    return nn.Sequential(embedding, *encoder.layers, _TokenMap(encoder.ln, side))


class _Tokens(nn.Module):
    """(N, 3, H, W) → the class token, then the patches row by row, each with its position: (N, 1 + h·w, C)."""

    def __init__(self, projection: nn.Module, class_token: nn.Parameter, positions: nn.Parameter) -> None:
        super().__init__()
        self.projection, self.class_token, self.positions = projection, class_token, positions

    def forward(self, images: Tensor) -> Tensor:
        patches = self.projection(images).flatten(2).transpose(1, 2)
        first = self.class_token.expand(images.shape[0], -1, -1)
        return torch.cat([first, patches], dim=1) + self.positions


class _TokenMap(nn.Module):
    """(N, 1 + side², C) → normalised patches where they lie in the image: (N, C, side, side)."""

    def __init__(self, norm: nn.Module, side: int) -> None:
        super().__init__()
        self.norm, self.side = norm, side

    def forward(self, tokens: Tensor) -> Tensor:
        patches: Tensor = self.norm(tokens)[:, 1:].transpose(1, 2)
        return patches.unflatten(2, (self.side, self.side))
