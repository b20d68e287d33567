"""The model is missing, damaged or wrong: cases need a person, with the reason, and are analysed after the repair."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
from flask import Flask
from onnx import numpy_helper

from ml.bundle import CARD_FILE, DEFAULT_BUNDLE, MODEL_FILE, read_card, sha256_of
from tests.conftest import World, make_settings
from tests.faults.working import assert_analysed_once, targets_of, until_quiet, work_off
from tests.unit.work import stored_case
from webapp.analysis import bundles
from webapp.core.config import Settings
from webapp.models import AnalysisState, FailureReason, Role, TriageReason


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    shutil.copytree(DEFAULT_BUNDLE, folder)
    return folder


@pytest.fixture
def settings(instance: Path, bundle: Path) -> Settings:
    return make_settings(instance, model_bundle=bundle)


def no_folder(bundle: Path) -> None:
    shutil.rmtree(bundle)


def no_weights(bundle: Path) -> None:
    (bundle / MODEL_FILE).unlink()


def half_the_weights(bundle: Path) -> None:
    whole = (bundle / MODEL_FILE).read_bytes()
    (bundle / MODEL_FILE).write_bytes(whole[: len(whole) // 2])


def one_bit(bundle: Path) -> None:
    weights = bytearray((bundle / MODEL_FILE).read_bytes())
    weights[len(weights) // 2] ^= 1
    (bundle / MODEL_FILE).write_bytes(weights)


def half_the_card(bundle: Path) -> None:
    whole = (bundle / CARD_FILE).read_text()
    (bundle / CARD_FILE).write_text(whole[: len(whole) // 2])


def not_numbers(bundle: Path) -> None:
    """Weights that match their card and give NaN."""
    model = onnx.load(bundle / MODEL_FILE)
    (bias,) = [tensor for tensor in model.graph.initializer if tensor.name.endswith("bcc_head.bias")]
    bias.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(bias) * float("nan"), bias.name))
    onnx.save(model, bundle / MODEL_FILE)
    sealed(bundle)


def another_size(bundle: Path) -> None:
    """A card with one pattern fewer than the weights give."""
    sealed(bundle, lambda card: card["targets"].pop())


def sealed(bundle: Path, change: Callable[[dict], object] = lambda _card: None) -> None:
    """Change the card and set its checksum to that of the weights."""
    card = json.loads((bundle / CARD_FILE).read_text())
    change(card)
    card["sha256"] = sha256_of(bundle / MODEL_FILE)
    (bundle / CARD_FILE).write_text(json.dumps(card))


DAMAGES = [no_folder, no_weights, half_the_weights, one_bit, half_the_card, not_numbers, another_size]


@pytest.mark.parametrize("damage", DAMAGES)
def test_on_top_until_it_is_repaired(app: Flask, bundle: Path, world: World, damage: Callable[[Path], None]) -> None:
    gp = world.user(Role.GP)
    damage(bundle)
    number = world.case(gp)
    work_off(app)
    with stored_case(app, number) as case:
        (analysis,) = case.images[0].analyses
        assert (analysis.state, analysis.failure) == (AnalysisState.FAILED, FailureReason.MODEL_UNAVAILABLE)
        assert (case.rank, case.needs_person, case.triage_reason) == (2.0, True, TriageReason.MODEL_UNAVAILABLE)

    shutil.rmtree(bundle, ignore_errors=True)
    shutil.copytree(DEFAULT_BUNDLE, bundle)
    until_quiet(app)
    assert_analysed_once(app, number, 1, targets_of(app))


def test_the_limits_of_quality_apply_once_the_card_is_repaired(app: Flask, bundle: Path) -> None:
    """In a web process that has looked for them before."""
    card = (bundle / CARD_FILE).read_text()
    half_the_card(bundle)
    with app.app_context():
        assert bundles.quality_limits(bundle) is None
        (bundle / CARD_FILE).write_text(card)
        assert bundles.quality_limits(bundle) == read_card(bundle).quality is not None
        half_the_card(bundle)
        assert bundles.quality_limits(bundle) is not None, "what could be read is kept"
