"""Images too poor for the model are flagged with a reason; ordinary ones are not. What is no skin changes nothing."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageFilter

from ml.data.ham10000 import Ham10000
from ml.data.milk10k import Milk10k
from ml.evaluation.image_quality import CHANGES, shares, underexposed
from ml.imaging.quality import QualityIssue, QualityLimits, assess
from tests.ml.overlays import OVERLAYS, in_circle, out_of_focus, ruler, skin, text
from tests.ml.support import picture

Overlay = Callable[[Image.Image], Image.Image]
PHOTOTYPES = range(1, 7)
SEEN = {QualityIssue.OUT_OF_FOCUS, QualityIssue.TOO_DARK, QualityIssue.WASHED_OUT, QualityIssue.LITTLE_SKIN}


def test_an_ordinary_image_has_no_issue() -> None:
    quality = assess(picture())
    assert quality.acceptable
    assert quality.side == 240
    assert quality.covered == pytest.approx(0.75)
    assert quality.field == 1


@pytest.mark.parametrize(
    ("image", "issue"),
    [
        (Image.new("RGB", (300, 300), "black"), QualityIssue.TOO_DARK),
        (Image.new("RGB", (300, 300), "white"), QualityIssue.WASHED_OUT),
        (Image.new("RGB", (300, 300), (200, 150, 140)), QualityIssue.OUT_OF_FOCUS),
        (picture().filter(ImageFilter.GaussianBlur(8)), QualityIssue.OUT_OF_FOCUS),
        (picture(size=(3000, 2000)).filter(ImageFilter.GaussianBlur(80)), QualityIssue.OUT_OF_FOCUS),
        (picture().point(lambda value: value // 8), QualityIssue.TOO_DARK),
        (picture().point(lambda value: min(value * 2, 255)), QualityIssue.WASHED_OUT),
        (in_circle(picture(size=(400, 400)), 0.5), QualityIssue.LITTLE_SKIN),
        (picture(size=(400, 120)), QualityIssue.TOO_SMALL),
        (picture(size=(640, 300)), QualityIssue.MUCH_LEFT_OUT),
    ],
)
def test_each_issue_is_found(image: Image.Image, issue: QualityIssue) -> None:
    quality = assess(image)
    assert issue in quality.issues
    assert not quality.acceptable
    assert issue.message.endswith(".")


def test_a_black_frame_is_dark_and_without_detail() -> None:
    assert set(assess(Image.new("RGB", (300, 300), "black")).issues) == {
        QualityIssue.OUT_OF_FOCUS,
        QualityIssue.TOO_DARK,
    }


@pytest.mark.control("H6.4")
@pytest.mark.parametrize("overlay", OVERLAYS.values(), ids=list(OVERLAYS))
@pytest.mark.parametrize("phototype", [1, 4, 6])
def test_focus_is_that_of_the_skin(phototype: int, overlay: Overlay) -> None:
    assert assess(overlay(skin(phototype))).issues == ()
    for radius in (5, 8, 12):
        assert assess(overlay(out_of_focus(skin(phototype), radius))).issues == (QualityIssue.OUT_OF_FOCUS,)


@pytest.mark.parametrize("phototype", [1, 6])
def test_the_edge_of_the_field_and_text_beside_it_are_no_detail(phototype: int) -> None:
    sharp_edge = in_circle(out_of_focus(skin(phototype)), 0.9)
    assert assess(text(ruler(sharp_edge, "white", 0.01), y=0.94)).issues == (QualityIssue.OUT_OF_FOCUS,)
    assert assess(out_of_focus(in_circle(skin(phototype), 0.9))).issues == (QualityIssue.OUT_OF_FOCUS,)


@pytest.mark.parametrize("phototype", PHOTOTYPES)
@pytest.mark.parametrize("seed", [2, 3])
def test_full_light_is_never_too_dark(phototype: int, seed: int) -> None:
    image = skin(phototype, seed)
    for shown in (image, in_circle(image, 1), in_circle(image, 0.8), in_circle(image, 0.75, (0.4, 0.55))):
        assert assess(shown).issues == ()


@pytest.mark.control("H6.4")
@pytest.mark.parametrize("overlay", OVERLAYS.values(), ids=list(OVERLAYS))
@pytest.mark.parametrize("phototype", PHOTOTYPES)
def test_a_tenth_of_the_light_is_too_dark_for_everybody(phototype: int, overlay: Overlay) -> None:
    for factor in (0.1, 0.05):
        assert QualityIssue.TOO_DARK in assess(overlay(underexposed(factor, skin(phototype)))).issues


@pytest.mark.parametrize("phototype", [1, 3, 6])
@pytest.mark.parametrize(
    ("diameter", "at"), [(0.3, (0.5, 0.5)), (0.5, (0.5, 0.5)), (0.5, (0.3, 0.7)), (0.6, (0.5, 0.4))]
)
def test_little_skin_is_little_skin_and_not_dark(phototype: int, diameter: float, at: tuple[float, float]) -> None:
    small = in_circle(skin(phototype), diameter, at)
    assert assess(small).issues == (QualityIssue.LITTLE_SKIN,)
    assert assess(text(text(small, y=0.02), "red", y=0.92)).issues == (QualityIssue.LITTLE_SKIN,)


def test_the_field_is_its_share_of_the_analysed_square() -> None:
    assert assess(in_circle(skin(), 0.5)).field == pytest.approx(np.pi / 16, abs=0.03)
    assert assess(in_circle(skin(), 1)).field == pytest.approx(np.pi / 4, abs=0.03)


@pytest.mark.parametrize("phototype", [1, 6])
def test_a_small_field_is_found_in_the_dark_too(phototype: int) -> None:
    dark = assess(in_circle(underexposed(0.1, skin(phototype)), 0.5))
    assert {QualityIssue.TOO_DARK, QualityIssue.LITTLE_SKIN} <= set(dark.issues)


def test_a_logo_beside_the_field_is_no_part_of_it() -> None:
    image = in_circle(skin(), 0.5)
    alone = assess(image).field
    image.paste((240, 240, 240), (70, 10, 130, 60))
    assert assess(image).field == alone


@pytest.mark.parametrize("phototype", [1, 6])
def test_the_edge_of_even_a_small_field_is_no_detail(phototype: int) -> None:
    for diameter in (0.25, 0.3, 0.4):
        small = in_circle(out_of_focus(skin(phototype), 8), diameter)
        for shown in (small, OVERLAYS["hair"](small)):
            assert {QualityIssue.OUT_OF_FOCUS, QualityIssue.LITTLE_SKIN} <= set(assess(shown).issues)


def test_a_black_lesion_inside_the_field_is_part_of_it() -> None:
    pixels = np.asarray(skin()).copy()
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    pixels[np.hypot(x - 256, y - 192) < 120] = (12, 9, 9)
    assert assess(Image.fromarray(pixels)).field == 1


def test_limits_come_from_the_card() -> None:
    strict = QualityLimits(focus=1e9, underexposed=2, clipped=-1, field=2, side=10_000, covered=1.0)
    assert set(assess(picture(), strict).issues) == set(QualityIssue)
    assert QualityLimits.from_json(strict.to_json()) == strict


def test_a_card_from_before_focus_was_measured_on_skin_still_loads() -> None:
    old = {"sharpness": 3.0, "dark": 60.0, "light": 235.0, "side": 150, "covered": 0.4}
    assert QualityLimits.from_json(old) == QualityLimits(side=150, covered=0.4)


def test_blurring_lowers_the_focus_steadily() -> None:
    scores = [assess(picture().filter(ImageFilter.GaussianBlur(radius))).focus for radius in (0, 1, 2, 4)]
    assert scores == sorted(scores, reverse=True)


def test_the_table_of_shares_counts_each_group() -> None:
    rows = list(shares([("dark", underexposed(0.1, skin())), ("light", skin()), ("light", skin(6))], QualityLimits()))
    found = {(row["images"], row["group"]): row for row in rows}
    assert len(rows) == len(CHANGES) * 2
    assert found["as they are", "dark"]["too_dark"] == 1
    assert [found[name, "light"]["out_of_focus"] for name in CHANGES][:3] == [0, 1, 1]
    assert found["light × 0.1", "light"]["too_dark"] == 1
    assert found["as they are", "light"]["number"] == 2


def test_real_images_pass_and_spoiled_ones_do_not(ham: Ham10000) -> None:
    rows = shares((("HAM10000", ham.image(record)) for record in ham.records[::50]), QualityLimits())
    found = {row["images"]: row for row in rows}
    assert all(found["as they are"][issue.value] <= 0.01 for issue in SEEN)
    assert found["blurred by 3"]["out_of_focus"] >= 0.99
    assert found["blurred by 5"]["out_of_focus"] >= 0.99
    assert found["light × 0.1"]["too_dark"] >= 0.99


@pytest.mark.control("H6.4")
def test_light_is_judged_alike_on_real_skin_of_every_tone(shared) -> None:
    milk = Milk10k(shared / "data" / "milk10k_320.zip")
    chosen = [record for record in milk.records if milk.skin_tone(record) in (0, 1)]
    chosen += [record for record in milk.records if milk.skin_tone(record) == 5][:30]
    rows = shares((("dark" if milk.skin_tone(r) != 5 else "light", milk.image(r)) for r in chosen), QualityLimits())
    found = {(row["images"], row["group"]): row["too_dark"] for row in rows}
    assert found["as they are", "dark"] == found["as they are", "light"] == 0
    assert found["light × 0.1", "dark"] == found["light × 0.1", "light"] == 1
