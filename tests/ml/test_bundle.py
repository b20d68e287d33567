"""A bundle is loaded complete and unchanged, or refused with a plain message."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest

from ml.bundle import CARD_FILE, DEFAULT_BUNDLE, MODEL_FILE, Bundle, BundleError, read_card, sha256_of
from ml.card import Card
from ml.engine import Engine
from ml.patterns import Lesion, Pattern
from ml.phantoms import generate


def damage(folder: Path, edit: Callable[[dict], object]) -> Path:
    file = folder / CARD_FILE
    data = json.loads(file.read_text())
    edit(data)
    file.write_text(json.dumps(data))
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder)
    return str(caught.value)


def test_a_card_survives_its_json(bundle: Bundle) -> None:
    assert Card.from_json(json.loads(json.dumps(bundle.card.to_json()))) == bundle.card
    assert tuple(target.code for target in bundle.card.patterns) == tuple(Pattern)
    assert bundle.reference == f"random-1@{bundle.card.sha256[:12]}"


def test_a_missing_bundle(tmp_path: Path) -> None:
    assert "no readable model card" in refusal(tmp_path / "nowhere")


def test_missing_weights(edit_card: Callable[..., Path]) -> None:
    folder = edit_card()
    (folder / MODEL_FILE).unlink()
    assert "no readable weights" in refusal(folder)


def test_changed_weights(edit_card: Callable[..., Path]) -> None:
    folder = edit_card()
    data = bytearray((folder / MODEL_FILE).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / MODEL_FILE).write_bytes(data)
    assert "SHA-256" in refusal(folder)


@pytest.mark.parametrize("number", [1, 99])
def test_a_card_of_another_format_is_refused_in_words(edit_card: Callable[..., Path], number: int) -> None:
    folder = damage(edit_card(), lambda data: data.update(format_version=number))
    assert f"another version of DermTriage (card format {number}, here 2)" in refusal(folder)
    assert "release the model anew" in refusal(folder)


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", "{", '"text"', "\x00\xff", '{"format_version": 1}'])
def test_a_card_that_is_not_a_card(edit_card: Callable[..., Path], text: str) -> None:
    folder = edit_card()
    (folder / CARD_FILE).write_text(text)
    assert "cannot be used" in refusal(folder)


def test_a_card_that_is_not_text(edit_card: Callable[..., Path]) -> None:
    folder = edit_card()
    (folder / CARD_FILE).write_bytes(b"\xff\xfe\x00\x01")
    assert "cannot be used" in refusal(folder)


@pytest.mark.parametrize(
    "edit",
    [
        lambda data: data.pop("targets"),
        lambda data: data.update(targets=[]),
        lambda data: data["targets"].reverse(),
        lambda data: data["targets"][1].update(code="XX"),
        lambda data: data["targets"].pop(),
        lambda data: data["targets"][0].update(prior=0),
        lambda data: data["targets"][0]["place"].update(full=0),
        lambda data: data.pop("gate"),
        lambda data: data["targets"][0].update(temperature=0),
        lambda data: data["targets"][0].update(default_sensitivity=0.5),
        lambda data: data["targets"][0].update(operating_points=[]),
        lambda data: data["preprocessing"].update(size=0),
        lambda data: data["preprocessing"].pop("mean"),
        lambda data: data.update(lesions=["unknown"]),
        lambda data: data.update(quality={}),
    ],
)
def test_a_card_with_a_bad_field(edit_card: Callable[..., Path], edit: Callable[[dict], object]) -> None:
    assert "cannot be used" in refusal(damage(edit_card(), edit))


def test_weights_that_are_not_a_network(edit_card: Callable[..., Path]) -> None:
    folder = edit_card()
    (folder / MODEL_FILE).write_bytes(b"not a network")
    damage(folder, lambda data: data.update(sha256=sha256_of(folder / MODEL_FILE)))
    with pytest.raises(BundleError, match="cannot be loaded"):
        Engine(Bundle.load(folder))


def test_weights_of_an_earlier_version_are_refused_in_words(edit_card: Callable[..., Path]) -> None:
    """Its graph gave one output a head, with a card that was edited to look like today's."""
    folder = edit_card()
    model = onnx.load(folder / MODEL_FILE)
    for output in model.graph.output:
        if output.name == "modality_logits":
            model.graph.output.remove(output)
    onnx.save(model, folder / MODEL_FILE)
    damage(folder, lambda data: data.update(sha256=sha256_of(folder / MODEL_FILE)))
    with pytest.raises(BundleError, match="do not give the outputs that this version expects"):
        Engine(Bundle.load(folder))


def test_a_card_with_former_keys_still_loads(edit_card: Callable[..., Path], bundle: Bundle) -> None:
    """Bundles of earlier versions call the target sensitivity "wanted" and images out of distribution "strangers"."""

    def back_in_time(data: dict[str, Any]) -> None:
        for target in data["targets"]:
            target["operating_points"] = [
                {"wanted": point.pop("target_sensitivity"), **point} for point in target["operating_points"]
            ]
        data["metrics"] = {"operating_points": [{"wanted": 0.9}], "abstention": {"strangers": {"text": [6, 6]}}}

    card = read_card(damage(edit_card(), back_in_time))
    assert card.targets == bundle.card.targets
    assert card.metrics["operating_points"] == [{"target_sensitivity": 0.9}]
    assert card.metrics["abstention"] == {"out_of_distribution": {"text": [6, 6]}}


def test_the_shipped_bundle_is_complete(shipped: Bundle) -> None:
    card = shipped.card
    assert card.name == DEFAULT_BUNDLE.name == shipped.path.name
    assert card.lesions == tuple(Lesion)
    assert not card.clinically_validated
    assert card.notice.startswith("Not clinically validated")
    assert "CC BY-NC" in card.data["licence"]
    assert [point.target_sensitivity for point in card.bcc.operating_points] == [0.90, 0.95, 0.98]
    assert card.bcc.default_sensitivity == 0.95
    assert [card.target(code).default_sensitivity for code in ("SCC", "MEL")] == [0.90, 0.80]
    assert [promise.collection for promise in card.bcc.promises] == ["HAM10000", "MILK10k"]
    for target in card.patterns:
        assert target.labels is not None
        assert target.possible_from is not None
        assert target.possible_from <= target.threshold
        weak = target.code != Pattern.PN
        assert weak == ("no dermatologist has checked them" in target.evidence)
    text = (shipped.path / CARD_FILE).read_text()
    assert not any(folder in text for folder in ("/work", "/home", "/tmp"))


def test_the_shipped_bundle_is_served(shipped: Bundle) -> None:
    (result,) = Engine(shipped).run([generate(11, size=(400, 300)).image])
    assert result.bcc_probability is not None
    assert result.bundle == shipped.reference


def test_what_the_web_process_may_import_loads_nothing_heavy() -> None:
    code = (
        "import sys, ml, ml.patterns, ml.imaging.preprocessing, ml.imaging.quality, ml.bundle, ml.results, ml.overlay\n"
        "ml.bundle.read_card()\n"
        "training = {'torch', 'scipy', 'sklearn', 'skimage', 'matplotlib', 'onnx', 'cv2'}\n"
        "heavy = (training | {'onnxruntime'}) & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "import ml.engine\n"
        "heavy = training & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=DEFAULT_BUNDLE.parents[2])


def test_reading_the_card_does_not_need_the_weights(edit_card: Callable[..., Path]) -> None:
    folder = edit_card(name="lonely")
    (folder / MODEL_FILE).unlink()
    assert read_card(folder).name == "lonely"
