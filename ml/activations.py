"""What the frozen part of the network makes of augmented images: fresh each time, or computed once and kept."""

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Protocol

import onnxruntime as ort
import torch
from torch import Generator, Tensor, nn
from tqdm import tqdm

from ml.augmentation import augment
from ml.examples import normalise
from ml.network import MultiTaskNet
from ml.preprocessing import PreprocessingSpec

Autocast = Callable[[], AbstractContextManager[object]]
_BATCH: Final = 64
_FROZEN_BATCH: Final = 8


class Pictures(Protocol):
    """`pixels` (N, 3, S, S) uint8, in any collection that has a length."""

    @property
    def pixels(self) -> Tensor: ...

    @property
    def spec(self) -> PreprocessingSpec: ...

    def __len__(self) -> int: ...


class Source(Protocol):
    """Indices of training images → what enters the trained part of the network."""

    def __call__(self, indices: Tensor) -> Tensor: ...

    def seed(self, seed: int) -> None:
        """Fix the random views from here on."""


class FreshViews:
    """A new view of an image each time it is drawn."""

    def __init__(
        self, examples: Pictures, network: MultiTaskNet, cut: int, views: int, seed: int, autocast: Autocast
    ) -> None:
        self.examples, self.network, self.cut, self.autocast = examples, network, cut, autocast
        self.generator = Generator().manual_seed(seed)
        self.trunk = frozen_trunk(network, cut, autocast)

    def seed(self, seed: int) -> None:
        self.generator.manual_seed(seed)

    def __call__(self, indices: Tensor) -> Tensor:
        device = next(self.network.parameters()).device
        pixels = self.examples.pixels[indices].to(device).float()
        images = normalise(augment(pixels, self.generator), self.examples.spec)
        images = images.contiguous(memory_format=torch.channels_last)
        return self.trunk(images) if self.cut else images


class CachedViews:
    """`views` views of every image, each through the frozen blocks once, kept as float16 in memory: (V, N, …)."""

    def __init__(
        self, examples: Pictures, network: MultiTaskNet, cut: int, views: int, seed: int, autocast: Autocast
    ) -> None:
        fresh = FreshViews(examples, network, cut, 0, seed, autocast)
        network.features[:cut].eval()
        parts = torch.arange(len(examples)).split(_BATCH)
        progress = tqdm(total=views * len(parts), desc=f"caching {views} views", leave=False, mininterval=2)
        first = fresh(parts[0])
        self.cache = torch.empty(views, len(examples), *first.shape[1:], dtype=torch.float16)
        for view in range(views):
            fresh.seed(seed * 1009 + view)
            for indices in parts:
                self.cache[view, indices] = fresh(indices).to(torch.float16).cpu()
                progress.update()
        progress.close()
        self.generator = Generator().manual_seed(seed)
        self.device = first.device

    def seed(self, seed: int) -> None:
        self.generator.manual_seed(seed)

    def __call__(self, indices: Tensor) -> Tensor:
        view = torch.randint(len(self.cache), indices.shape, generator=self.generator)
        activations = self.cache[view, indices].to(self.device).float()
        return activations.contiguous(memory_format=torch.channels_last) if activations.ndim == 4 else activations


@torch.no_grad()
def activations_of(examples: Pictures, network: MultiTaskNet, cut: int) -> Tensor:
    """The plain, unaugmented images through the frozen blocks, in full precision on the processor."""
    network.eval()
    device, trunk = next(network.parameters()).device, frozen_trunk(network, cut, nullcontext)
    parts = torch.arange(len(examples)).split(_BATCH)
    outputs = []
    for indices in parts:
        images = normalise(examples.pixels[indices].to(device).float(), examples.spec)
        outputs.append(trunk(images.contiguous(memory_format=torch.channels_last)).cpu())
    return torch.cat(outputs)


class _Trunk(nn.Module):
    def __init__(self, network: MultiTaskNet, cut: int) -> None:
        super().__init__()
        self.network, self.cut = network, cut

    def forward(self, images: Tensor) -> Tensor:
        return self.network.trunk(images, self.cut)


def frozen_trunk(network: MultiTaskNet, cut: int, autocast: Autocast) -> Callable[[Tensor], Tensor]:
    """The first `cut` blocks as they are now, without gradients.

    On a processor in onnxruntime and full precision: three times as quick as torch there.
    """
    device = next(network.parameters()).device
    if cut == 0 or device.type != "cpu":

        def in_torch(images: Tensor) -> Tensor:
            with torch.no_grad(), autocast():
                return network.trunk(images, cut)

        return in_torch
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = torch.get_num_threads(), 3
    session = ort.InferenceSession(_exported(network, cut), options, ["CPUExecutionProvider"])

    def in_onnxruntime(images: Tensor) -> Tensor:
        parts = images.contiguous().split(_FROZEN_BATCH)
        return torch.cat([torch.from_numpy(session.run(None, {"images": part.numpy()})[0]) for part in parts])

    return in_onnxruntime


def _exported(network: MultiTaskNet, cut: int) -> bytes:
    was_training = network.training
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        trunk, example = _Trunk(network, cut).eval(), (torch.zeros(1, 3, 64, 64),)
        with TemporaryDirectory() as folder:
            file = Path(folder) / "trunk.onnx"
            torch.onnx.export(
                trunk,
                example,
                str(file),
                dynamo=False,
                opset_version=17,
                input_names=["images"],
                output_names=["activations"],
                dynamic_axes={"images": {0: "batch", 2: "height", 3: "width"}, "activations": {0: "batch"}},
            )
            network.train(was_training)
            return file.read_bytes()
