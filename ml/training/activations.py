"""The frozen blocks' activations of augmented images: computed afresh each time, or once and cached."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple, Protocol

import onnxruntime as ort
import torch
from torch import Generator, Tensor, nn
from tqdm import tqdm

from ml.data.examples import Examples, normalise
from ml.data.isic2019 import SIDE
from ml.imaging.preprocessing import PreprocessingSpec
from ml.training.augmentation import at_low_resolution, augment_with_masks
from ml.training.export import write_onnx
from ml.training.network import MultiTaskNet

Autocast = Callable[[], AbstractContextManager[object]]
_BATCH: Final = 64
_FROZEN_BATCH: Final = 8


class Views(NamedTuple):
    """One view per image: the `inputs` of the trained blocks, and `masks` (N, 7, M, M) in 0–1, transformed alike."""

    inputs: Tensor
    masks: Tensor


class Source(Protocol):
    """Indices of training images → a random view of each."""

    def __call__(self, indices: Tensor) -> Views: ...

    def seed(self, seed: int) -> None:
        """Make the views from here on a function of this seed."""


class FreshViews:
    """A new view of an image every time it is sampled."""

    def __init__(
        self,
        examples: Examples,
        network: MultiTaskNet,
        cut: int,
        spec: PreprocessingSpec,
        autocast: Autocast,
    ) -> None:
        self.examples, self.network, self.cut, self.spec = examples, network, cut, spec
        self.generator = Generator()
        self.trunk = frozen_trunk(network, cut, spec.size, autocast)

    def seed(self, seed: int) -> None:
        self.generator.manual_seed(seed)

    def __call__(self, indices: Tensor) -> Views:
        device = next(self.network.parameters()).device
        pixels = self.examples.pixels[indices].to(device).float()
        blurred = torch.rand(len(indices), generator=self.generator) < self.examples.blurred[indices]
        if blurred.any():
            pixels[blurred] = at_low_resolution(pixels[blurred], SIDE * self.spec.size // 224)
        masks = self.examples.masks[indices].to(device).float() / 255
        views, masks = augment_with_masks(pixels, masks, self.generator, self.spec.size)
        images = normalise(views, self.spec).contiguous(memory_format=torch.channels_last)
        return Views(self.trunk(images) if self.cut else images, masks)


class CachedViews:
    """A fixed number of `fresh` views of every image, computed once and kept in memory as float16: (V, N, …)."""

    def __init__(self, fresh: FreshViews, views: int) -> None:
        examples = fresh.examples
        fresh.network.features[: fresh.cut].eval()
        parts = torch.arange(len(examples)).split(_BATCH)
        progress = tqdm(total=views * len(parts), desc=f"caching {views} views", leave=False, mininterval=2)
        fresh.seed(0)
        first = fresh(parts[0])
        self.inputs = torch.empty(views, len(examples), *first.inputs.shape[1:], dtype=torch.float16)
        self.masks = torch.empty(views, len(examples), *first.masks.shape[1:], dtype=torch.uint8)
        for view in range(views):
            fresh.seed(1009 + view)
            for indices in parts:
                made = fresh(indices)
                self.inputs[view, indices] = made.inputs.to(torch.float16).cpu()
                self.masks[view, indices] = (made.masks * 255).round().to(torch.uint8).cpu()
                progress.update()
        progress.close()
        self.generator = Generator()
        self.device = first.inputs.device

    def seed(self, seed: int) -> None:
        self.generator.manual_seed(seed)

    def __call__(self, indices: Tensor) -> Views:
        view = torch.randint(len(self.inputs), indices.shape, generator=self.generator)
        inputs = self.inputs[view, indices].to(self.device).float()
        if inputs.ndim == 4:
            inputs = inputs.contiguous(memory_format=torch.channels_last)
        return Views(inputs, self.masks[view, indices].to(self.device).float() / 255)


@torch.no_grad()
def activations_of(pixels: Tensor, network: MultiTaskNet, cut: int, spec: PreprocessingSpec) -> Tensor:
    """Unaugmented images (N, 3, S, S) uint8 through the frozen blocks, in full precision."""
    network.eval()
    device, trunk = next(network.parameters()).device, frozen_trunk(network, cut, spec.size, nullcontext)
    outputs = []
    for part in pixels.split(_BATCH):
        images = normalise(part.to(device).float(), spec)
        outputs.append(trunk(images.contiguous(memory_format=torch.channels_last)).cpu())
    return torch.cat(outputs)


class _Trunk(nn.Module):
    def __init__(self, network: MultiTaskNet, cut: int) -> None:
        super().__init__()
        self.network, self.cut = network, cut

    def forward(self, images: Tensor) -> Tensor:
        return self.network.trunk(images, self.cut)


def frozen_trunk(network: MultiTaskNet, cut: int, size: int, autocast: Autocast) -> Callable[[Tensor], Tensor]:
    """The first `cut` blocks as they are now, for images of `size` pixels, without gradients.

    On a CPU they run in onnxruntime at full precision, three times as fast as in torch.
    """
    device = next(network.parameters()).device
    if cut == 0 or device.type != "cpu":

        def in_torch(images: Tensor) -> Tensor:
            with torch.no_grad(), autocast():
                return network.trunk(images, cut)

        return in_torch
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 3
    session = ort.InferenceSession(_exported(network, cut, size), options, ["CPUExecutionProvider"])

    def in_onnxruntime(images: Tensor) -> Tensor:
        parts = images.contiguous().split(_FROZEN_BATCH)
        return torch.cat([torch.from_numpy(session.run(None, {"images": part.numpy()})[0]) for part in parts])

    return in_onnxruntime


def _exported(network: MultiTaskNet, cut: int, size: int) -> bytes:
    was_training = network.training
    with TemporaryDirectory() as folder:
        file = Path(folder) / "trunk.onnx"
        write_onnx(_Trunk(network, cut).eval(), size, file, ["activations"])
        network.train(was_training)
        return file.read_bytes()
