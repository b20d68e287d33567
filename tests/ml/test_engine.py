"""The engine never returns a number that only looks like a result."""

import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image, ImageFilter

from ml.bundle import MODEL_FILE, Bundle, BundleError, read_card, sha256_of, write_card
from ml.card import CODES, Place
from ml.engine import OUTPUTS, Engine
from ml.imaging.preprocessing import Region, prepare
from ml.imaging.quality import QualityIssue
from ml.patterns import MALIGNANT, Call, Lesion, Modality, Pattern
from ml.results import Heatmap, Reason
from tests.ml.support import picture

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def engine(bundle: Bundle) -> Engine:
    return Engine(bundle)


def sigmoid(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))


def test_a_result_is_complete(engine: Engine, bundle: Bundle) -> None:
    (result,) = engine.run([picture()])
    logits = engine.forward(prepare(picture(), bundle.card.preprocessing)[None])["target_logits"][0]
    assert [finding.target for finding in result.findings] == list(CODES) == list(result.heatmaps)
    for finding, logit in zip(result.findings, logits, strict=True):
        assert finding.probability == pytest.approx(sigmoid(logit), abs=1e-6)
        assert finding.present == (finding.probability >= 0.5)
    assert result.bcc_probability == result.findings[0].probability
    assert result.bcc == result.findings[0].present
    assert list(result.patterns) == list(Pattern)
    assert list(result.malignant) == list(MALIGNANT)
    assert list(result.lesion) == list(Lesion)
    assert sum(result.lesion.values()) == pytest.approx(1)
    assert result.region == Region(40, 0, 240)
    assert (result.bundle, result.preprocessing) == (bundle.reference, "centre-square-1")
    assert result.modality is Modality.DERMOSCOPIC
    assert not result.needs_person
    assert result.reasons == ()


def test_calibration_and_threshold_come_from_the_card(bundle: Bundle, edit_card: Callable[..., Path]) -> None:
    target = bundle.card.bcc
    logit = Engine(bundle).forward(prepare(picture(), bundle.card.preprocessing)[None])["target_logits"][0, 0]
    probability = sigmoid((float(logit) + 0.7) / 3)
    for threshold, present in ((probability - 1e-6, True), (probability + 1e-6, False)):
        points = (replace(target.operating_points[0], threshold=threshold),)
        changed = replace(target, temperature=3.0, offset=0.7, operating_points=points)
        folder = edit_card(targets=(changed, *bundle.card.targets[1:]))
        (result,) = Engine(Bundle.load(folder)).run([picture()])
        assert result.bcc_probability == pytest.approx(probability, abs=1e-7)
        assert result.bcc is present
        assert result.findings[0].present is present
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


def test_a_pattern_is_likely_possible_not_seen_or_not_told_apart(
    engine: Engine, bundle: Bundle, edit_card: Callable[..., Path]
) -> None:
    (plain,) = engine.run([picture()])
    p = plain.patterns[Pattern.AT].probability
    index, calls = CODES.index("AT"), []
    for possible, likely, apart in ((p, p, True), (p, 1.0, True), (1.0, 1.0, True), (p, 1.0, False)):
        points = (replace(bundle.card.bcc.operating_points[0], threshold=likely),)
        target = replace(
            bundle.card.targets[index], operating_points=points, possible_from=possible - 1e-6, told_apart=apart
        )
        targets = (*bundle.card.targets[:index], target, *bundle.card.targets[index + 1 :])
        folder = edit_card(targets=targets)
        (result,) = Engine(Bundle.load(folder)).run([picture()])
        calls.append(result.patterns[Pattern.AT].call)
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    assert calls == [Call.LIKELY, Call.POSSIBLE, Call.NOT_SEEN, Call.NOT_TOLD_APART]


@pytest.mark.parametrize(
    ("logits", "modality", "reason"),
    [
        ((0.0, 3.0, 1.0), Modality.CLINICAL, Reason.CLINICAL),
        ((0.0, 1.0, 3.0), Modality.OTHER, Reason.NOT_DERMOSCOPIC),
    ],
)
def test_what_the_gate_does_not_let_pass_goes_to_a_person(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, logits: tuple[float, ...], modality: Modality, reason: Reason
) -> None:
    forward, row = engine.forward, np.array([logits], np.float32)
    monkeypatch.setattr(engine, "forward", lambda inputs: {**forward(inputs), "modality_logits": row})
    (result,) = engine.run([picture()])
    assert (result.modality, result.reasons) == (modality, (reason,))
    assert result.bcc_probability is not None  # it is told, and a person asked


def test_the_gates_threshold_comes_from_the_card(bundle: Bundle, edit_card: Callable[..., Path]) -> None:
    (result,) = Engine(Bundle.load(edit_card(gate=replace(bundle.card.gate, threshold=0.999)))).run([picture()])
    assert result.needs_person
    assert result.modality is not Modality.DERMOSCOPIC


def test_batches_keep_order_and_results(engine: Engine) -> None:
    images = [picture(seed, size) for seed, size in enumerate([(320, 240), (240, 320), (500, 500)] * 4)]
    together = engine.run(images)
    assert len(together) == len(images)
    for image, result in zip(images, together, strict=True):
        (alone,) = engine.run([image])
        assert result.bcc_probability == pytest.approx(alone.bcc_probability, abs=1e-4)
        assert result.region == alone.region
    assert len({round(result.bcc_probability or 0, 6) for result in together}) == len(images)
    assert engine.run([]) == []


@pytest.mark.parametrize("broken", ["bcc_head.bias", "lesion_head.bias", "gate.bias", "cell_head.bias"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_with_outputs_that_are_not_finite_are_refused(
    edit_card: Callable[..., Path], broken: str, value: float
) -> None:
    folder = edit_card()
    model = onnx.load(folder / MODEL_FILE)
    (bias,) = [tensor for tensor in model.graph.initializer if tensor.name.endswith(broken)]
    values = onnx.numpy_helper.to_array(bias).copy()
    values[-1] = value
    bias.CopyFrom(onnx.numpy_helper.from_array(values, bias.name))
    onnx.save(model, folder / MODEL_FILE)
    write_card(folder, replace(read_card(folder), sha256=sha256_of(folder / MODEL_FILE)))
    with pytest.raises(BundleError, match="not finite"):
        Engine(Bundle.load(folder))


def test_weights_with_outputs_of_another_size_than_the_card_says_are_refused(
    bundle: Bundle, edit_card: Callable[..., Path]
) -> None:
    """The card has one lesion type fewer than the weights."""
    with pytest.raises(BundleError, match="another size"):
        Engine(Bundle.load(edit_card(lesions=bundle.card.lesions[:-1])))


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_an_output_that_is_not_finite_goes_to_a_person_without_a_number(
    engine: Engine, value: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = engine.forward
    spoilt = np.full((1, len(CODES)), value, np.float32)
    monkeypatch.setattr(engine, "forward", lambda inputs: {**forward(inputs), "target_logits": spoilt})
    (result,) = engine.run([picture()])
    assert result.needs_person
    assert result.reasons == (Reason.NOT_FINITE,)
    assert result.bcc_probability is None
    assert result.bcc is None
    assert result.modality is None
    assert (result.patterns, result.lesion, result.findings, result.heatmaps) == ({}, {}, (), {})


@pytest.mark.parametrize("output", OUTPUTS)
def test_one_bad_number_in_any_output_spoils_only_its_own_image(
    engine: Engine, output: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    forward = engine.forward

    def spoilt(inputs: np.ndarray) -> dict[str, np.ndarray]:
        outputs = forward(inputs)
        outputs[output][1].flat[-1] = np.nan
        return outputs

    monkeypatch.setattr(engine, "forward", spoilt)
    first, second, third = engine.run([picture(1), picture(2), picture(3)])
    assert second.reasons == (Reason.NOT_FINITE,)
    assert second.bcc_probability is None
    assert first.bcc_probability is not None
    assert third.bcc_probability is not None


def test_poor_images_go_to_a_person_with_every_reason(engine: Engine) -> None:
    black, blurred = engine.run([Image.new("RGB", (300, 300)), picture().filter(ImageFilter.GaussianBlur(8))])
    assert set(black.reasons) == {Reason.TOO_DARK, Reason.OUT_OF_FOCUS}
    assert blurred.reasons == (Reason.OUT_OF_FOCUS,)
    assert black.needs_person
    assert blurred.needs_person


def test_every_quality_issue_is_a_reason_with_the_same_words() -> None:
    assert {Reason(issue.value).message for issue in QualityIssue} == {issue.message for issue in QualityIssue}
    assert all(reason.message.endswith(".") for reason in Reason)


def test_heatmaps_are_raw_and_their_strength_is_the_maximum_on_the_targets_scale(
    engine: Engine, bundle: Bundle
) -> None:
    (result,) = engine.run([picture()])
    cams = engine.forward(prepare(picture(), bundle.card.preprocessing)[None])["cams"][0]
    for finding, cam in zip(result.findings, cams, strict=True):
        heatmap = result.heatmaps[finding.target]
        np.testing.assert_array_equal(heatmap.raw, cam)
        assert heatmap.raw.min() >= 0
        assert finding.strength == heatmap.strength == pytest.approx(cam.max() / heatmap.place.full)
        assert finding.placed == heatmap.reliable


def test_a_heatmap_as_png_is_small_and_on_the_targets_scale() -> None:
    raw = np.zeros((8, 8), np.float32)
    raw[2, 5] = 0.5
    for full, brightest in ((0.5, 255), (1.0, 128)):
        data = Heatmap(raw, Place(full, floor=0.1)).to_png(side=80)
        assert data is not None
        assert len(data) < 5_000
        image = Image.open(io.BytesIO(data))
        grey = np.asarray(image)
        assert (image.mode, image.size) == ("L", (80, 80))
        assert grey.max() == pytest.approx(brightest, abs=16)
        assert np.unravel_index(grey.argmax(), grey.shape) in {(y, x) for y in range(20, 30) for x in range(50, 60)}


def test_below_the_floor_there_is_no_map_to_show() -> None:
    raw = np.full((8, 8), 0.2, np.float32)
    assert Heatmap(raw, Place(1.0, floor=0.21)).to_png() is None
    assert Heatmap(raw, Place(1.0, floor=0.2)).to_png() is not None


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from Linux's /proc")
def test_memory_stays_flat(bundle: Bundle) -> None:
    """In a separate process, because torch and other tests would change the figure."""
    code = (
        "import sys\n"
        "from PIL import Image\n"
        "from ml.bundle import Bundle\n"
        "from ml.engine import Engine\n"
        "engine = Engine(Bundle.load(sys.argv[1]))\n"
        "images = [Image.effect_noise((300, 300), 60).convert('RGB') for _ in range(8)]\n"
        "def resident(): return int(next(l for l in open('/proc/self/status') if 'VmRSS' in l).split()[1])\n"
        "for _ in range(4): engine.run(images)\n"
        "before = resident()\n"
        "for _ in range(20): engine.run(images)\n"
        "print(before, resident() - before)\n"
    )
    command = [sys.executable, "-c", code, str(bundle.path)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT)
    resident, growth = map(int, done.stdout.split())
    assert resident < 200_000  # KiB
    assert growth < 10_000
