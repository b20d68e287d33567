"""The benchmark runs, compares like with like and reports what it compared. No test depends on the machine's speed."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from ml.bench.runtimes import CHOSEN, agreement, bare_graph, session
from ml.bench.subject import subject
from ml.bench.timing import interleaved, machine, ratio, summary, unsteady
from ml.bundle import Bundle
from ml.engine import Engine
from ml.imaging.preprocessing import PreprocessingSpec
from ml.training.recipe.graph import read_network
from tests.ml.support import explained, write_bundle

ROOT = Path(__file__).parents[2]
HEADLINE = [
    "images_per_second",
    "heads_and_maps_vs_forward",
    "speedup_vs_pytorch_grad_cam",
    "end_to_end_vs_decode_and_forward",
    "runtime_vs_alternatives",
]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """Fewer pixels, for fast rounds."""
    return write_bundle(tmp_path_factory.mktemp("bench") / "small-1", explained(), PreprocessingSpec(size=64))


def inputs(count: int, size: int = 64) -> np.ndarray:
    return np.random.default_rng(1).uniform(-1, 1, (count, 3, size, size)).astype(np.float32)


def test_contestants_take_turns_and_warm_up_does_not_count() -> None:
    calls: list[str] = []
    seconds = interleaved({name: partial(calls.append, name) for name in "abc"}, repetitions=4, warm_up=1)
    assert "".join(calls) == "abc" + "bca" + "cab" + "abc" + "bca"
    assert {name: len(values) for name, values in seconds.items()} == {"a": 4, "b": 4, "c": 4}


def test_no_round_starts_after_the_budget_but_one_always_counts() -> None:
    calls: list[str] = []
    seconds = interleaved({"a": lambda: calls.append("a")}, repetitions=50, warm_up=2, budget=0)
    assert (len(calls), len(seconds["a"])) == (3, 1)


def test_a_run_that_varies_is_named() -> None:
    assert unsteady({"steady": [1.0, 1.1, 1.2], "wild": [1.0, 1.1, 9.0]}) == ["wild"]


def test_medians_and_ratios_by_hand() -> None:
    seconds = {"slow": [0.4, 0.1, 9.0], "fast": [0.1, 0.2, 0.1]}
    assert ratio(seconds, "slow", "fast") == pytest.approx(4)
    assert summary(seconds)["slow"] == {"median_ms": 400, "q1_ms": 250, "q3_ms": 4700}


def test_a_busy_machine_is_called_busy() -> None:
    assert machine(1, load_before=1e3)["busy_before"]
    assert not machine(1, load_before=0.0)["busy_before"]


def test_every_contestant_has_the_same_network(small: Bundle) -> None:
    timed = subject(small, images=2)
    with torch.inference_mode():
        lesion = timed.network(torch.from_numpy(timed.inputs)).lesion.numpy()
    np.testing.assert_allclose(Engine(small).forward(timed.inputs)["lesion_logits"], lesion, atol=1e-3)


def test_the_bare_graph_is_the_backbone_and_nothing_more(small: Bundle) -> None:
    bare = bare_graph(small.model_file)
    assert len(bare.graph.output) == 1
    assert not [tensor.name for tensor in bare.graph.initializer if "head" in tensor.name or "patterns" in tensor.name]
    with torch.inference_mode():
        pooled = read_network(small).features(torch.from_numpy(inputs(2))).mean(dim=(2, 3)).numpy()
    np.testing.assert_allclose(session(bare, threads=1)(inputs(2)), pooled, rtol=1e-3, atol=1e-3)


def test_agreement_by_hand() -> None:
    def same(images: np.ndarray) -> np.ndarray:
        return images.reshape(len(images), -1)

    def turned(images: np.ndarray) -> np.ndarray:
        return same(images)[:, ::-1]

    rows = np.array([[3.0, 4.0], [1.0, 0.0]], np.float32)
    found = agreement(same, turned, rows, np.array([1.0, 0.0], np.float32))
    assert found["smallest_cosine_of_features"] == 0
    assert found["largest_difference_of_logit"] == 1
    assert found["sd_of_logit"] == 1
    assert agreement(same, same, rows, np.ones(2, np.float32))["smallest_cosine_of_features"] == 1


@pytest.mark.slow
def test_the_last_line_is_json_with_every_figure(small: Bundle) -> None:
    command = [sys.executable, "-W", "error", "-m", "ml", "bench", "--bundle", str(small.path)]
    done = subprocess.run([*command, "--repetitions", "1", "--threads", "1"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    for name in HEADLINE[:-1]:
        assert found[name] > 0
    alternatives = found["runtime_vs_alternatives"]
    assert alternatives["chosen"] == CHOSEN
    assert alternatives["torch_eager"]["smallest_cosine_of_features"] == pytest.approx(1, abs=1e-4)
    assert {"onnxruntime_int8_dynamic", "onnxruntime_int8_static", "openvino"} <= alternatives.keys()
    assert found["machine"]["threads"] == 1
    assert {"cores", "load_before", "load_after"} <= found["machine"].keys()
    assert found["bundle"] == small.reference
    assert found["rounds"] == 1
    assert found["unsteady"] == []  # one round has no spread
