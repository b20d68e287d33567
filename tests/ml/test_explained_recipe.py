"""One graph for everything on top of the network: the same figures as torch, and maps that add up to the logits."""

from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest
import torch

from ml.data.diagnoses import DIAGNOSES, Diagnosis
from ml.patterns import Pattern
from ml.training.cell_heads import CellHeads, pooled, to_cells
from ml.training.export import write_onnx
from ml.training.modality import Gate
from ml.training.pattern_heads import Head
from ml.training.recipe.explained import OUTPUTS, ExplainedLesionNet, LocalHeads, StagedHeads
from ml.training.recipe.network import LesionNet
from ml.training.recipe.predictions import CHANNELS

WIDTH = sum(CHANNELS)


@pytest.fixture(scope="module")
def explained() -> ExplainedLesionNet:
    torch.manual_seed(1)
    generator = np.random.default_rng(1)
    heads = [Head(generator.normal(0, 0.1, WIDTH), float(k)) for k in range(len(Pattern))]
    gate = Gate(generator.normal(0, 0.1, (WIDTH, 3)), np.array([0.0, 1.0, 2.0]))
    network = LesionNet()
    network.train()
    with torch.no_grad():
        for _ in range(20):  # statistics, so that signals neither die nor explode
            network(torch.rand(4, 3, 64, 64) * 2 - 1)
    return ExplainedLesionNet(network, StagedHeads(heads), gate).eval()


@pytest.fixture(scope="module")
def outputs(explained: ExplainedLesionNet) -> dict[str, torch.Tensor]:
    torch.manual_seed(2)
    with torch.no_grad():
        return dict(zip(OUTPUTS, explained(torch.rand(2, 3, 64, 64) * 2 - 1), strict=True))


def test_heads_read_the_pooled_stages(explained: ExplainedLesionNet, outputs: dict[str, torch.Tensor]) -> None:
    features = outputs["features"]
    assert features.shape == (2, WIDTH)
    assert isinstance(explained.patterns, StagedHeads)
    expected = features @ explained.patterns.weight.T + explained.patterns.bias
    assert torch.allclose(outputs["pattern_logits"], expected, atol=1e-4)
    assert torch.allclose(outputs["modality_logits"], explained.gate(features), atol=1e-4)
    plain = explained.network.classify(features[:, -1280:])
    assert torch.allclose(outputs["lesion_logits"], plain.lesion, atol=1e-5)


def test_the_cells_of_a_map_add_up_to_the_logit_without_its_bias() -> None:
    torch.manual_seed(3)
    heads = StagedHeads([Head(np.full(WIDTH, 0.01), 0.5)])  # nothing is negative, so nothing is cut off
    stages = [torch.rand(2, c, s, s) for c, s in zip(CHANNELS, (8, 4, 4, 2, 2, 2), strict=True)]
    logits, maps = heads(stages)
    assert maps.shape == (2, 1, 8, 8)
    assert torch.allclose(maps.sum(dim=(2, 3)) + 0.5, logits, atol=1e-4)


def test_a_map_lies_where_the_finest_stage_responds() -> None:
    weight = np.zeros(WIDTH)
    weight[0] = 1.0
    stages = [torch.zeros(1, c, s, s) for c, s in zip(CHANNELS, (8, 4, 4, 2, 2, 2), strict=True)]
    stages[0][0, 0, 5, 2] = 3.0
    maps = StagedHeads([Head(weight, 0.0)])(stages)[1]
    assert torch.nonzero(maps[0, 0]).tolist() == [[5, 2]]


def test_local_heads_say_what_cell_heads_say_of_each_cell() -> None:
    torch.manual_seed(5)
    generator = np.random.default_rng(5)
    heads = CellHeads(generator.normal(0, 0.05, (WIDTH, 2)), np.array([0.3, -0.2]))
    stages = [torch.rand(3, c, s, s) for c, s in zip(CHANNELS, (24, 12, 12, 6, 6, 6), strict=True)]
    cells = torch.cat([to_cells(stage, 24) for stage in stages], dim=2).numpy()
    scores, maps = LocalHeads(heads)(stages)
    assert maps.shape == (3, 2, 24, 24)
    assert np.allclose(scores.numpy(), pooled(heads.logits(cells)), atol=1e-3)


def test_diagnoses_have_maps_on_the_same_grid(explained: ExplainedLesionNet, outputs: dict[str, torch.Tensor]) -> None:
    cams = outputs["cams"]
    assert cams.shape == (2, 3 + len(Pattern), 8, 8)
    assert (cams >= 0).all()
    lesion = explained.network.lesion_head
    with torch.no_grad():
        lesion.weight[DIAGNOSES.index(Diagnosis.SCC)] = 1.0  # last activations are never negative
        torch.manual_seed(2)
        found = dict(zip(OUTPUTS, explained(torch.rand(2, 3, 64, 64) * 2 - 1), strict=True))
    total = found["cams"][:, -1].sum(dim=(1, 2)) + lesion.bias[DIAGNOSES.index(Diagnosis.SCC)]
    assert torch.allclose(total, found["lesion_logits"][:, DIAGNOSES.index(Diagnosis.SCC)], atol=1e-3)


@pytest.mark.parametrize("local", [False, True])
def test_the_graph_says_the_same_without_torch(explained: ExplainedLesionNet, tmp_path: Path, local: bool) -> None:
    if local:
        heads = CellHeads(np.random.default_rng(6).normal(0, 0.05, (WIDTH, len(Pattern))), np.zeros(len(Pattern)))
        gate = Gate(np.zeros((WIDTH, 3)), np.zeros(3))
        explained = ExplainedLesionNet(explained.network, LocalHeads(heads), gate).eval()
    file = tmp_path / "model.onnx"
    write_onnx(explained, 64, file, list(OUTPUTS))
    session = ort.InferenceSession(file, providers=["CPUExecutionProvider"])
    torch.manual_seed(4)
    images = torch.rand(3, 3, 64, 64) * 2 - 1
    with torch.no_grad():
        expected = explained(images)
    for name, found, wanted in zip(OUTPUTS, session.run(None, {"images": images.numpy()}), expected, strict=True):
        assert np.allclose(found, wanted.numpy(), atol=1e-3), name
