"""Three methods on an exported graph, each against pytorch-grad-cam on the network it was exported from."""

import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ml.bundle import Bundle, BundleError
from ml.card import CODES
from ml.commands.explain import _METHODS
from ml.engine import Engine
from ml.explain import reference
from ml.explain.base import Explainer
from ml.explain.gradients import GradCam, GradCamPlusPlus
from ml.explain.graph import GraphModel
from ml.explain.methods import METHODS
from ml.explain.score import ScoreCam, enlarged, unit_masks
from ml.patterns import Lesion
from ml.training.recipe.graph import read_network
from ml.training.recipe.network import LesionNet, Scores
from tests.ml.support import encoded, explained, picture, random_network, write_bundle

ROOT = Path(__file__).parents[2]
SIZE, TARGETS = 32, 3


class TinyNet(LesionNet):
    """Too few blocks to have the stages that patterns are read from."""

    def forward(self, images: torch.Tensor) -> Scores:
        bcc, lesion = self.classify(self.features(images).mean(dim=(2, 3)))
        nothing = images.new_zeros(0)
        return Scores(bcc, lesion, nothing, nothing)


def tiny_network(seed: int = 1) -> LesionNet:
    """A small network of the same kind: 12 channels of 4 × 4 cells, one of them dead."""
    torch.manual_seed(seed)
    network = TinyNet()
    first, last = nn.Conv2d(3, 6, 3, 4, 1), nn.Conv2d(6, 12, 3, 2, 1)
    network.features = nn.Sequential(first, nn.ReLU6(), last, nn.ReLU6())
    assert last.bias is not None
    last.bias.data[3] = -100
    network.bcc_head, network.lesion_head = nn.Linear(12, 1), nn.Linear(12, len(Lesion))
    nn.init.uniform_(network.lesion_head.weight, -0.5, 1)  # both signs, and no map of zeros
    return network.eval()


class LesionLogits(nn.Module):
    def __init__(self, network: LesionNet) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(images).lesion
        return logits


def export(network: LesionNet, file: Path) -> Path:
    """As much of the served graph as explanation looks at."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            LesionLogits(network),
            (torch.zeros(1, 3, SIZE, SIZE),),
            str(file),
            dynamo=False,
            opset_version=17,
            input_names=["images"],
            output_names=["lesion_logits"],
            dynamic_axes={name: {0: "batch"} for name in ("images", "lesion_logits")},
        )
    return file


@pytest.fixture(scope="module")
def tiny() -> LesionNet:
    return tiny_network()


@pytest.fixture(scope="module")
def graph(tiny: LesionNet, tmp_path_factory: pytest.TempPathFactory) -> GraphModel:
    return GraphModel(export(tiny, tmp_path_factory.mktemp("tiny") / "model.onnx"), threads=1)


def inputs(count: int = 3, size: int = SIZE) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (count, 3, size, size)).astype(np.float32)


def scaled(maps: np.ndarray) -> np.ndarray:
    """Each map scaled to [0, 1], as in pytorch-grad-cam."""
    maps = maps - maps.min(axis=(1, 2), keepdims=True)
    return maps / (1e-7 + maps.max(axis=(1, 2), keepdims=True))


def as_reference(raw: np.ndarray, size: int) -> np.ndarray:
    """Raw maps enlarged as in pytorch-grad-cam: bilinear with half-pixel centres, scaled before and after."""
    large = torch.nn.functional.interpolate(torch.from_numpy(scaled(raw))[:, None], (size, size), mode="bilinear")
    return scaled(large[:, 0].numpy())


PAIRS = [
    (GradCam, reference.ReferenceGradCam),
    (lambda model: GradCamPlusPlus(model, epsilon=1e-6), reference.ReferenceGradCamPlusPlus),
    (lambda model: ScoreCam(model, batch=5), reference.ReferenceScoreCam),
]


@pytest.mark.parametrize("target", range(TARGETS))
@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=["gradcam", "gradcam++", "scorecam"])
def test_a_method_agrees_with_pytorch_grad_cam(
    tiny: LesionNet, graph: GraphModel, ours: type[Explainer], theirs: type[reference.ReferenceGradCam], target: int
) -> None:
    expected = theirs(tiny).heatmaps(torch.from_numpy(inputs()), target).numpy()
    assert (expected.max(axis=(1, 2)) > 0.99).all()  # a zero map would match anything
    found = as_reference(ours(graph).heatmaps(inputs(), target), SIZE)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_grad_cam_plus_plus_on_the_real_backbone(bundle: Bundle) -> None:
    images = inputs(2, 96)
    expected = reference.ReferenceGradCamPlusPlus(read_network(bundle)).heatmaps(torch.from_numpy(images), 0).numpy()
    ours = GradCamPlusPlus(GraphModel(bundle.model_file), epsilon=1e-6).heatmaps(images, 0)
    np.testing.assert_allclose(as_reference(ours, 96), expected, atol=1e-3)


def test_grad_cam_is_the_graphs_own_map_of_melanoma_and_scc(bundle: Bundle) -> None:
    images, model = inputs(2, 96), GraphModel(bundle.model_file)
    outputs = Engine(bundle).forward(images)
    np.testing.assert_allclose(model.logits(images), outputs["lesion_logits"], atol=1e-4)
    for lesion in (Lesion.MEL, Lesion.SCC):
        ours = torch.from_numpy(GradCam(model).heatmaps(images, list(Lesion).index(lesion)))
        finer = torch.nn.functional.interpolate(ours[:, None], (12, 12), mode="bilinear")[:, 0]
        np.testing.assert_allclose(finer, outputs["cams"][:, CODES.index(lesion.target)], atol=1e-5)


def test_grad_cam_plus_plus_by_hand() -> None:
    """Two channels of 1 × 2 cells, gradients w / 2 = (2, -1): only the first counts, with 2 · 2 / (2 + 2 · 4) = 0.4."""

    class Known:
        weights = np.array([[4.0, -2.0]], np.float32)

        def activations(self, images: np.ndarray) -> np.ndarray:
            return np.array([[[[1.0, 3.0]], [[5.0, 0.0]]]], np.float32)

        def logits(self, images: np.ndarray) -> np.ndarray:
            raise AssertionError("Grad-CAM++ needs no further pass")

    np.testing.assert_allclose(GradCamPlusPlus(Known()).heatmaps(inputs(1), 0), [[[0.4, 1.2]]], rtol=1e-6)


def test_grad_cam_plus_plus_leaves_out_what_the_formula_cannot_weigh() -> None:
    """Gradients (2, 2), sums (4, -1): the second channel's denominator is 2 + 2 · -1 = 0, and in image two negative."""

    class Signed:
        weights = np.array([[4.0, 4.0]], np.float32)

        def activations(self, images: np.ndarray) -> np.ndarray:
            return np.array([[[[1.0, 3.0]], [[1.0, -2.0]]], [[[1.0, 3.0]], [[7.0, -9.0]]]], np.float32)

        def logits(self, images: np.ndarray) -> np.ndarray:
            raise AssertionError("Grad-CAM++ needs no further pass")

    np.testing.assert_allclose(GradCamPlusPlus(Signed()).heatmaps(inputs(2), 0), [[[0.4, 1.2]]] * 2, rtol=1e-6)


def test_masks_reach_from_zero_to_one_corner_on_corner() -> None:
    ramp = np.array([[[2.0, 4.0], [2.0, 4.0]]], np.float32)
    np.testing.assert_allclose(enlarged(ramp, (3, 3))[0], [[2, 3, 4]] * 3)
    np.testing.assert_allclose(unit_masks(ramp, (2, 5))[0], [[0, 0.25, 0.5, 0.75, 1]] * 2, atol=1e-6)
    assert not unit_masks(np.full((1, 2, 2), 3, np.float32), (4, 4)).any()
    assert enlarged(np.ones((1, 1, 1), np.float32), (4, 4)).shape == (1, 4, 4)


@pytest.mark.parametrize("method", METHODS)
def test_randomised_weights_change_the_map(graph: GraphModel, tmp_path: Path, method: str) -> None:
    """The sanity check of Adebayo et al., arXiv 1810.03292."""
    other = GraphModel(export(tiny_network(seed=2), tmp_path / "model.onnx"))
    trained, randomised = (METHODS[method](m).heatmaps(inputs(), 0) for m in (graph, other))
    for one, other in zip(scaled(trained), scaled(randomised), strict=True):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.9


@pytest.mark.parametrize("method", ["gradcam", "gradcam++"])
def test_weights_of_zero_give_no_map(tmp_path: Path, method: str) -> None:
    network = tiny_network()
    network.lesion_head.weight.data[0] = 0
    explainer = METHODS[method](GraphModel(export(network, tmp_path / "model.onnx")))
    assert not explainer.heatmaps(inputs(), 0).any()
    assert explainer.heatmaps(inputs(), 1).any()


def test_any_other_graph_is_refused(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"")
    with pytest.raises(BundleError, match="cannot be explained"):
        GraphModel(tmp_path / "model.onnx")


def test_memory_stays_flat_over_500_runs(tmp_path: Path) -> None:
    """In a separate process, because torch and other tests would change the figure."""
    export(tiny_network(), tmp_path / "model.onnx")
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from ml.explain.graph import GraphModel\n"
        "from ml.explain.methods import METHODS\n"
        "explainers = [method(GraphModel(Path(sys.argv[1]), 1)) for method in METHODS.values()]\n"
        "images = np.random.default_rng(1).uniform(-1, 1, (2, 3, 32, 32)).astype(np.float32)\n"
        "resident = lambda: int(Path('/proc/self/statm').read_text().split()[1]) * 4\n"
        "def runs(count):\n"
        "    for _ in range(count):\n"
        "        for explainer in explainers: explainer.heatmaps(images, 1)\n"
        "runs(50)\n"
        "before = resident()\n"
        "runs(500)\n"
        "print(resident() - before)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "model.onnx")]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    assert int(done.stdout) < 4_000  # KiB


def explain(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "ml", "explain", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


def test_the_command_draws_what_is_present_and_says_what_is_not(tmp_path: Path) -> None:
    network = random_network()
    network.bcc_head.bias.data.fill_(500.0)
    network.lesion_head.weight.data.abs_()
    network.lesion_head.bias.data[list(Lesion).index(Lesion.BCC)] = 100.0
    bundle = write_bundle(tmp_path / "certain", explained(network))
    (tmp_path / "good.png").write_bytes(encoded(picture()))
    (tmp_path / "page.png").write_bytes(b"<html></html>")
    files = (tmp_path / "good.png", tmp_path / "page.png")
    done = explain(
        *files, "--method", "gradcam++", "--target", "BCC", "MEL", "--bundle", bundle.path, "--output", tmp_path / "out"
    )
    assert done.returncode == 1, done.stderr
    assert bundle.card.notice in done.stdout
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["0001-good-BCC-gradcam++.png"]
    assert "MEL: P 0.000, absent: no heatmap is drawn" in done.stdout
    assert "cannot be read: This is not a JPEG, PNG or WebP image." in done.stdout


def test_a_pattern_is_refused_because_its_own_map_needs_no_method(bundle: Bundle, tmp_path: Path) -> None:
    done = explain(tmp_path / "x.png", "--target", "SW", "--bundle", bundle.path, "--output", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "invalid choice: 'SW' (choose from" in done.stderr


def test_the_command_offers_every_method() -> None:
    assert tuple(METHODS) == _METHODS
