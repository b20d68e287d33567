"""Images too poor for the model are flagged with a reason; ordinary ones are not."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from ml.data.ham10000 import Ham10000
from ml.imaging.quality import QualityIssue, QualityLimits, assess
from tests.ml.support import picture


def test_an_ordinary_image_has_no_issue() -> None:
    quality = assess(picture())
    assert quality.acceptable
    assert quality.side == 240
    assert quality.covered == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("image", "issue"),
    [
        (Image.new("RGB", (300, 300), "black"), QualityIssue.TOO_DARK),
        (Image.new("RGB", (300, 300), "white"), QualityIssue.WASHED_OUT),
        (Image.new("RGB", (300, 300), (200, 150, 140)), QualityIssue.OUT_OF_FOCUS),
        (picture().filter(ImageFilter.GaussianBlur(8)), QualityIssue.OUT_OF_FOCUS),
        (picture(size=(3000, 2000)).filter(ImageFilter.GaussianBlur(80)), QualityIssue.OUT_OF_FOCUS),
        (picture().point(lambda value: value // 8), QualityIssue.TOO_DARK),
        (picture(size=(400, 120)), QualityIssue.TOO_SMALL),
        (picture(size=(640, 300)), QualityIssue.MUCH_LEFT_OUT),
    ],
)
def test_each_issue_is_found(image: Image.Image, issue: QualityIssue) -> None:
    quality = assess(image)
    assert issue in quality.issues
    assert not quality.acceptable
    assert issue.message.endswith(".")


def test_black_and_white_frames_are_also_without_detail() -> None:
    assert QualityIssue.OUT_OF_FOCUS in assess(Image.new("RGB", (300, 300), "black")).issues


def test_limits_come_from_the_card() -> None:
    strict = QualityLimits(sharpness=1e9, dark=300, light=-1, side=10_000, covered=1.0)
    assert set(assess(picture(), strict).issues) == set(QualityIssue)
    assert QualityLimits.from_json(strict.to_json()) == strict


def test_blurring_lowers_the_sharpness_steadily() -> None:
    scores = [assess(picture().filter(ImageFilter.GaussianBlur(radius))).sharpness for radius in (0, 1, 2, 4)]
    assert scores == sorted(scores, reverse=True)


def test_real_images_pass_and_defocused_ones_do_not(ham: Ham10000) -> None:
    images = [ham.image(record) for record in ham.records[::25]]
    flagged = np.mean([not assess(image).acceptable for image in images])
    assert flagged <= 0.01
    defocused = [image.filter(ImageFilter.GaussianBlur(8)) for image in images[::4]]
    assert np.mean([QualityIssue.OUT_OF_FOCUS in assess(image).issues for image in defocused]) >= 0.95
