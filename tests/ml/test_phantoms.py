"""Phantoms: deterministic, with correct masks, consistent with the clinical rule; spoilt variants."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageFilter

from ml.patterns import BCC_PATTERNS, Pattern
from ml.phantoms import Phantom, Tone, generate, plausible

SIZE = (600, 450)


def pixels(phantom: Phantom) -> np.ndarray:
    return np.asarray(phantom.image, dtype=np.float32)


def sharpness(image: Image.Image) -> float:
    grey = np.asarray(image.convert("L").reduce(2), dtype=np.float32)
    return float(np.diff(grey, axis=0).var() + np.diff(grey, axis=1).var())


def test_a_seed_gives_the_same_bytes_and_another_seed_others():
    first, again, other = (generate(seed, size=SIZE) for seed in (3, 3, 4))
    digests = [hashlib.sha256(phantom.image.tobytes()).hexdigest() for phantom in (first, again, other)]
    assert digests[0] == digests[1] != digests[2]
    assert all(np.array_equal(first.masks[pattern], again.masks[pattern]) for pattern in Pattern)


def test_image_and_masks_have_the_requested_size():
    phantom = generate(1, size=(320, 200))
    assert phantom.image.mode == "RGB"
    assert phantom.image.size == (320, 200)
    assert set(phantom.masks) == set(Pattern)
    assert {mask.shape for mask in [*phantom.masks.values(), phantom.lesion_mask]} == {(200, 320)}
    assert {mask.dtype for mask in [*phantom.masks.values(), phantom.lesion_mask]} == {np.dtype(bool)}


@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize("pattern", Pattern)
def test_a_mask_marks_what_was_drawn(pattern: Pattern, seed: int):
    phantom = generate(seed, [pattern], size=SIZE, hair_count=0, round_field=False)
    bare = generate(seed, [pattern], without=[pattern], size=SIZE, hair_count=0, round_field=False)
    change = np.abs(pixels(phantom) - pixels(bare)).sum(axis=2)
    mask = phantom.masks[pattern]
    assert mask.sum() > 300
    assert np.median(change[mask]) > 40
    assert change[mask].mean() > 4 * change[~mask].mean()


@pytest.mark.parametrize("pattern", Pattern)
def test_a_structure_lies_in_or_next_to_the_lesion(pattern: Pattern):
    phantom = generate(21, [pattern], size=SIZE)
    lesion = Image.fromarray(phantom.lesion_mask).convert("L").filter(ImageFilter.MaxFilter(31))
    inside = np.asarray(lesion) > 0
    assert inside[phantom.masks[pattern]].mean() > 0.9


@pytest.mark.parametrize("patterns", [set(), {Pattern.PN}, {Pattern.AT, Pattern.U}, set(BCC_PATTERNS), set(Pattern)])
def test_only_the_requested_patterns_have_a_mask_and_the_rule_decides(patterns: set[Pattern]):
    phantom = generate(5, patterns, size=(300, 225))
    assert {pattern for pattern, mask in phantom.masks.items() if mask.any()} == patterns
    assert phantom.patterns == patterns
    assert phantom.bcc == (bool(patterns) and Pattern.PN not in patterns)


@pytest.mark.parametrize("size", [(64, 64), (160, 120), (600, 450)])
def test_every_structure_stays_visible_when_all_are_drawn(size: tuple[int, int]):
    for seed in range(3):
        masks = generate(seed, Pattern, size=size).masks
        assert all(mask.any() for mask in masks.values())
        assert not any((masks[Pattern.U] & masks[pattern]).any() for pattern in Pattern if pattern is not Pattern.U)


def test_leaving_a_structure_out_changes_the_truth_too():
    phantom = generate(5, [Pattern.AT], without=[Pattern.AT], size=(300, 225))
    assert phantom.patterns == frozenset()
    assert not phantom.bcc
    assert not any(mask.any() for mask in phantom.masks.values())


def test_drawn_sets_are_varied_and_mostly_consistent():
    sets = [plausible(seed) for seed in range(400)]
    bcc = sum(bool(found) and Pattern.PN not in found for found in sets)
    assert 0.4 < bcc / len(sets) < 0.6
    assert {pattern for found in sets for pattern in found} == set(Pattern)
    assert any(not found for found in sets)


def test_skin_darkens_with_the_phototype():
    brightness = [
        pixels(generate(2, [], size=(300, 225), phototype=kind, hair_count=0, round_field=False))[:20].mean()
        for kind in range(1, 7)
    ]
    assert brightness == sorted(brightness, reverse=True)


def test_the_lesion_differs_from_the_skin_around_it():
    for tone in Tone:
        phantom = generate(6, [], size=SIZE, tone=tone, phototype=2, hair_count=0, round_field=False)
        colour = pixels(phantom)
        inside, outside = colour[phantom.lesion_mask].mean(axis=0), colour[~phantom.lesion_mask].mean(axis=0)
        assert np.abs(inside - outside).max() > 8


def test_spoilt_variants_are_blurred_and_dark():
    sharp = generate(7, [Pattern.AT], size=SIZE)
    assert sharpness(generate(7, [Pattern.AT], size=SIZE, defocus=True).image) < sharpness(sharp.image) / 4
    assert pixels(generate(7, [Pattern.AT], size=SIZE, underexposed=True)).mean() < pixels(sharp).mean() / 3


def test_the_caption_keeps_off_the_lesion():
    plain, captioned = generate(8, size=SIZE), generate(8, size=SIZE, caption=True)
    changed = (pixels(plain) != pixels(captioned)).any(axis=2)
    assert changed.any()
    assert not (changed & plain.lesion_mask).any()


def test_drawing_needs_numpy_and_pillow_alone():
    heavy = "{'cv2', 'scipy', 'torch', 'torchvision', 'matplotlib', 'onnxruntime'}"
    probe = f"import sys, ml.phantoms; ml.phantoms.generate(1, size=(64, 64)); print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_the_description_says_synthetic():
    assert generate(9, [Pattern.SW], size=(300, 225)).description.startswith("Synthetic")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "not negative"),
        ({"seed": 1, "size": (600, 20)}, "at least 64"),
        ({"seed": 1, "phototype": 7}, "between 1 and 6"),
    ],
)
def test_impossible_requests_are_refused(arguments: dict, message: str):
    with pytest.raises(ValueError, match=message):
        generate(**arguments)


def test_a_region_closes_the_holes_of_a_network_and_nothing_of_an_empty_mask():
    phantom = generate(10, [Pattern.PN], size=SIZE, tone=Tone.BROWN)
    lines, region = phantom.masks[Pattern.PN], phantom.region(Pattern.PN)
    assert (region | lines).sum() == region.sum() > 1.5 * lines.sum()
    assert region[phantom.lesion_mask].mean() > 0.4
    assert not phantom.region(Pattern.U).any()


def test_the_caption_stays_outside_the_square_that_a_model_sees() -> None:
    size = (1024, 768)
    plain = np.asarray(generate(801, (), size=size).image)
    marked = np.asarray(generate(801, (), size=size, caption=True).image)
    square = slice((size[0] - size[1]) // 2, (size[0] + size[1]) // 2)
    assert (plain != marked).any()
    assert (plain[:, square] == marked[:, square]).all()
