"""The exported graph is the trained network: ONNX against torch, and its heatmaps against pytorch-grad-cam."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import SwinTransformer, VisionTransformer

from ml.backbones import BACKBONES, Backbone, stages
from ml.bundle import Bundle
from ml.data.ham10000 import Ham10000
from ml.data.records import DataError
from ml.data.splits import Split, split_by_lesion
from ml.engine import Engine
from ml.explain.closed_form import closed_form_cams
from ml.explain.reference import ReferenceGradCam
from ml.imaging.preprocessing import SIGNED_UNIT, PreprocessingSpec, prepare
from ml.patterns import Pattern
from ml.training.export import ExplainedNet
from ml.training.network import MultiTaskNet
from ml.training.restore import network_of
from tests.ml.support import picture, random_network, write_bundle

SMALL = PreprocessingSpec(size=96)


def inputs(count: int = 3, spec: PreprocessingSpec = SIGNED_UNIT) -> Tensor:
    return torch.from_numpy(np.stack([prepare(picture(seed), spec) for seed in range(count)]))


def closed_form(network: MultiTaskNet, images: Tensor) -> Tensor:
    """The maps of every target in torch: (N, 1 + P, h, w)."""
    with torch.no_grad():
        return closed_form_cams(network.features(images), network.target_weights())


def as_reference(cams: np.ndarray, size: int) -> np.ndarray:
    """Raw maps (N, h, w) scaled as in pytorch-grad-cam: to [0, 1] per image, enlarged, and to [0, 1] again."""

    def unit(maps: Tensor) -> Tensor:
        maps = maps - maps.amin(dim=(1, 2), keepdim=True)
        return maps / (1e-7 + maps.amax(dim=(1, 2), keepdim=True))

    large = F.interpolate(unit(torch.from_numpy(cams))[:, None], (size, size), mode="bilinear")[:, 0]
    return unit(large).numpy()


def assert_graph_matches(network: MultiTaskNet, bundle: Bundle, images: Tensor) -> None:
    explained = ExplainedNet(network).eval()
    with torch.no_grad():
        expected = dict(zip(explained.output_names, explained(images), strict=True))
    outputs = Engine(bundle).forward(images.numpy())
    assert outputs.keys() - {"novelty"} == expected.keys()  # the novelty score has its own tests
    for name, values in expected.items():
        np.testing.assert_allclose(outputs[name], values.numpy(), rtol=1e-4, atol=1e-4, err_msg=name)


def assert_heatmaps_match(network: MultiTaskNet, bundle: Bundle, images: Tensor) -> None:
    assert_reference_agrees(network, Engine(bundle).forward(images.numpy())["cams"], images)


def assert_reference_agrees(network: MultiTaskNet, cams: np.ndarray, images: Tensor) -> None:
    reference = ReferenceGradCam(network)
    for target in range(1 + len(network.patterns)):
        theirs = reference.heatmaps(images, target).numpy()
        assert np.abs(as_reference(cams[:, target], images.shape[-1]) - theirs).max() <= 1e-3
        assert theirs.max() > 0.99  # a zero map would match anything


def test_onnx_gives_what_torch_gives(network: MultiTaskNet, bundle: Bundle) -> None:
    assert_graph_matches(network, bundle, inputs())


def test_heatmaps_are_pytorch_grad_cams_for_every_target(network: MultiTaskNet, bundle: Bundle) -> None:
    assert_heatmaps_match(network, bundle, inputs())


def small_vision_transformer(weights: str | None) -> nn.Sequential:
    return stages.vision_transformer(VisionTransformer(96, 32, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32))


def small_swin(weights: str | None) -> nn.Sequential:
    return stages.swin(SwinTransformer([4, 4], 8, depths=[2, 2], num_heads=[1, 2], window_size=[5, 5]))


SMALL_TRANSFORMERS = (
    Backbone("small_vit", "Small ViT", 16, (4, 2, 0), small_vision_transformer, ()),
    Backbone("small_swin", "Small Swin", 16, (5, 2, 0), small_swin, ()),
)


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "small_vit", "small_swin"])
def test_another_backbone_is_exported_explained_and_restored_by_its_name(
    backbone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ml.backbones.registry.BACKBONES", (*BACKBONES, *SMALL_TRANSFORMERS))
    network = random_network((Pattern.PN,), backbone=backbone)
    bundle, images = write_bundle(tmp_path / backbone, network, SMALL), inputs(2, SMALL)
    assert_graph_matches(network, bundle, images)
    assert_heatmaps_match(network, bundle, images)
    restored = network_of(bundle)
    assert restored.backbone.name == backbone
    for name, value in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(restored.state_dict()[name], value, rtol=0, atol=0, msg=name)


@pytest.mark.parametrize(
    "backbone",
    [
        "resnet50",
        "densenet121",
        "convnext_tiny",
        pytest.param("efficientnet_b0", marks=pytest.mark.slow),
    ],
)
def test_heatmaps_of_other_backbones_are_pytorch_grad_cams(backbone: str) -> None:
    network, images = random_network((Pattern.PN,), backbone=backbone), inputs(2, SMALL)
    assert_reference_agrees(network, closed_form(network, images).numpy(), images)


def test_a_graph_is_not_restored_as_another_network(bundle: Bundle, edit_card: Callable[..., Path]) -> None:
    with pytest.raises(ValueError, match="parameters are not those"):
        network_of(Bundle.load(edit_card(backbone="EfficientNet-B0")))
    with pytest.raises(DataError, match="none of those known"):
        network_of(replace(bundle, card=replace(bundle.card, backbone="AlexNet")))


def test_a_network_without_pattern_heads_has_no_such_output(tmp_path: Path) -> None:
    network = random_network(seed=3)
    bundle = write_bundle(tmp_path / "bcc-only", network)
    assert_graph_matches(network, bundle, inputs(1))
    assert "pattern_logits" not in Engine(bundle).forward(inputs(1).numpy())


def test_closed_form_in_torch_is_the_graphs(network: MultiTaskNet, bundle: Bundle) -> None:
    cams = Engine(bundle).forward(inputs(2).numpy())["cams"]
    np.testing.assert_allclose(cams, closed_form(network, inputs(2)).numpy(), rtol=1e-3, atol=1e-5)


def test_closed_form_is_the_gradient_by_definition(network: MultiTaskNet) -> None:
    """Selvaraju's definition by autograd: channel weights are the spatial means of d logit / d A."""
    activations = network.features(inputs(1)).detach().requires_grad_()
    logits = network.classify(activations.mean(dim=(2, 3)))
    for target, logit in enumerate(torch.cat([logits.bcc, logits.patterns], dim=1)[0]):
        (gradient,) = torch.autograd.grad(logit, activations, retain_graph=True)
        weights = gradient.mean(dim=(2, 3), keepdim=True)
        expected = F.relu((weights * activations).sum(dim=1)).detach()
        torch.testing.assert_close(closed_form(network, inputs(1))[:, target], expected)


def test_images_of_a_batch_do_not_affect_each_other(bundle: Bundle) -> None:
    engine, images = Engine(bundle), inputs(3).numpy()
    together = engine.forward(images)
    for index in range(3):
        for name, values in engine.forward(images[index : index + 1]).items():
            np.testing.assert_allclose(values[0], together[name][index], rtol=1e-3, atol=1e-4)


def test_the_graph_is_one_valid_file_without_custom_operators(bundle: Bundle) -> None:
    model = onnx.load(bundle.model_file)
    onnx.checker.check_model(model, full_check=True)
    assert {node.domain for node in model.graph.node} == {""}
    assert [file.name for file in sorted(bundle.path.iterdir())] == ["card.json", "model.onnx"]


def test_the_reference_leaves_no_hooks_behind(network: MultiTaskNet) -> None:
    ReferenceGradCam(network).heatmaps(inputs(1), 0)
    assert not any(module._forward_hooks or module._backward_hooks for module in network.modules())


@pytest.fixture(scope="module")
def shipped_network(shipped: Bundle) -> MultiTaskNet:
    return network_of(shipped)


def real_inputs(ham: Ham10000, spec: PreprocessingSpec, count: int = 8) -> Tensor:
    test = split_by_lesion(ham.records, seed=1)[Split.TEST]
    chosen = [r for r in test if r.bcc][: count // 2] + [r for r in test if not r.bcc][: count // 2]
    return torch.from_numpy(np.stack([prepare(ham.image(record), spec) for record in chosen]))


@pytest.mark.parametrize("check", [assert_graph_matches, assert_heatmaps_match])
def test_the_shipped_bundle_on_real_images(
    check: Callable[[MultiTaskNet, Bundle, Tensor], None], shipped_network: MultiTaskNet, shipped: Bundle, ham: Ham10000
) -> None:
    check(shipped_network, shipped, real_inputs(ham, shipped.card.preprocessing))
