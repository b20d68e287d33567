"""Costs against the published ones, and a table that says what was not trained."""

import json

import pytest
import torch

from ml.__main__ import main
from ml.backbones import BACKBONES, NOT_TRAINED, Backbone, count, latency_ms, published, table

MOBILENET = BACKBONES[0]


@pytest.mark.parametrize("backbone", BACKBONES, ids=lambda backbone: backbone.name)
def test_costs_are_the_published_ones(backbone: Backbone) -> None:
    parameters, gmacs = count(backbone)
    theirs = published(backbone)
    assert parameters == theirs[0]
    assert gmacs == pytest.approx(theirs[1], rel=0.002)


def test_mobilenet_v2_is_three_tenths_of_a_gigamac() -> None:
    """Sandler et al., arXiv 1801.04381, Table 4: 300 M multiply-adds, 3.4 M parameters."""
    parameters, gmacs = count(MOBILENET)
    assert gmacs == pytest.approx(0.300, rel=0.01)
    assert parameters == pytest.approx(3.4e6, rel=0.05)


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


def test_the_command_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backbones", "--json", "--repetitions", "0"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [row["name"] for row in answer["backbones"]] == [backbone.name for backbone in BACKBONES]
    assert answer["machine"]["cores"] >= 1
