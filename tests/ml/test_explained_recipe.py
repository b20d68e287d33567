"""One graph for everything on top of the network: the same figures as torch, and maps that lie where they should."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from ml.bundle import Bundle
from ml.card import CODES
from ml.evaluation.out_of_fold import bcc_score
from ml.patterns import BCC_PATTERNS, LESIONS, Lesion, Pattern
from ml.training.cells import pooled
from ml.training.recipe.explained import OUTPUTS, ExplainedLesionNet, log_odds, places, stages
from ml.training.recipe.graph import read_network, write_graph
from ml.training.recipe.network import CHANNELS
from tests.ml.support import explained as random_graph
from tests.ml.support import random_network


@pytest.fixture(scope="module")
def explained() -> ExplainedLesionNet:
    return random_graph()


@pytest.fixture(scope="module")
def images() -> torch.Tensor:
    torch.manual_seed(2)
    return torch.rand(2, 3, 64, 64) * 2 - 1


def outputs_of(explained: ExplainedLesionNet, images: torch.Tensor) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        return dict(zip(OUTPUTS, explained(images), strict=True))


def test_targets_are_what_the_heads_say(explained: ExplainedLesionNet, images: torch.Tensor) -> None:
    found = outputs_of(explained, images)
    with torch.no_grad():
        scores = explained.network(images)
        maps = stages(explained.network, images)
        gate = explained.gate(torch.cat([stage.mean(dim=(2, 3)) for stage in maps], dim=1))
    assert torch.allclose(found["lesion_logits"], scores.lesion, atol=1e-5)
    assert torch.allclose(found["modality_logits"], gate, atol=1e-5)
    table = dict(zip(CODES, found["target_logits"].T, strict=True))
    logits = torch.cat([scores.bcc[:, None], scores.lesion], dim=1).double().numpy()
    assert np.allclose(table["BCC"], bcc_score(logits[:, None]), atol=1e-4)  # as the folds are judged, in one view
    patterns = torch.stack([table[pattern] for pattern in Pattern], dim=1)
    assert np.allclose(patterns, pooled(scores.cells.double().numpy()), atol=1e-3)  # as the folds are judged
    shares = scores.lesion.double().softmax(dim=1)
    for kind in (Lesion.MEL, Lesion.SCC):
        share = shares[:, LESIONS.index(kind)]
        assert torch.allclose(table[kind.upper()].double(), (share / (1 - share)).log(), atol=1e-4)


def test_log_odds_do_not_overflow() -> None:
    logits = torch.tensor([[500.0, -500.0, 0.0]])
    assert log_odds(logits, 0).item() == pytest.approx(500)
    assert log_odds(logits, 1).item() == pytest.approx(-1000)


def test_places_are_what_the_network_says_of_each_cell(explained: ExplainedLesionNet, images: torch.Tensor) -> None:
    with torch.no_grad():
        maps = stages(explained.network, images)
        local = places(explained.network, maps)
        cells = torch.nn.functional.avg_pool2d(local, 2).flatten(2).transpose(1, 2)
        assert torch.allclose(cells, explained.network.cells(maps), atol=1e-4)


def test_a_pattern_lies_where_the_finest_stage_responds() -> None:
    network = random_network()
    with torch.no_grad():
        network.cell_head.weight.zero_()
        network.cell_head.weight[:, 0] = 1.0
        network.cell_head.bias.fill_(-5.0)
        levels = [torch.zeros(1, c, s, s) for c, s in zip(CHANNELS, (8, 4, 4, 2, 2, 2), strict=True)]
        levels[0][0, 0, 5, 2] = 9.0
        assert torch.nonzero(places(network, levels)[0, 0] > 0).tolist() == [[5, 2]]


def test_bcc_is_where_any_of_its_six_patterns_is(explained: ExplainedLesionNet, images: torch.Tensor) -> None:
    cams = dict(zip(CODES, outputs_of(explained, images)["cams"].unbind(dim=1), strict=True))
    six = torch.stack([cams[pattern] for pattern in BCC_PATTERNS], dim=1)
    assert torch.equal(cams["BCC"], six.amax(dim=1))
    assert not torch.equal(cams["BCC"], torch.maximum(cams["BCC"], cams["PN"]))  # pigment network is none of them


def test_melanoma_and_scc_have_the_lesion_heads_grad_cam(images: torch.Tensor) -> None:
    explained = random_graph(seed=3)
    lesion = explained.network.lesion_head
    with torch.no_grad():
        lesion.weight[LESIONS.index(Lesion.SCC)] = 1.0  # last activations are never negative: nothing is cut off
    found = outputs_of(explained, images)
    assert found["cams"].shape == (2, len(CODES), 8, 8)
    assert (found["cams"] >= 0).all()
    # Grad-CAM's cells add up to the logit without its bias; here each is seen 4 × 4 times.
    total = found["cams"][:, CODES.index("SCC")].sum(dim=(1, 2)) / 16 + lesion.bias[LESIONS.index(Lesion.SCC)]
    assert torch.allclose(total, found["lesion_logits"][:, LESIONS.index(Lesion.SCC)], atol=1e-3)


def test_the_graph_says_the_same_without_torch(explained: ExplainedLesionNet, tmp_path: Path) -> None:
    write_graph(explained, 64, tmp_path / "model.onnx")
    session = ort.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    torch.manual_seed(4)
    images = torch.rand(3, 3, 64, 64) * 2 - 1
    wanted = outputs_of(explained, images)
    for name, found in zip(OUTPUTS, session.run(None, {"images": images.numpy()}), strict=True):
        assert np.allclose(found, wanted[name].numpy(), atol=1e-3), name


def test_the_network_is_read_back_from_the_graph(bundle: Bundle, images: torch.Tensor) -> None:
    with torch.no_grad():
        found, wanted = read_network(bundle)(images), random_graph().network(images)
    assert torch.allclose(found.lesion, wanted.lesion, atol=1e-5)
    assert torch.allclose(found.bcc, wanted.bcc, atol=1e-5)
