"""Poor and repeated images: the GP is told and may send them with a reason, which the dermatologist sees."""

import io
import uuid

import numpy as np
import pytest
from flask import Flask
from PIL import Image, ImageFilter

from ml.imaging.quality import QualityIssue
from tests.images import encoded, jpeg, picture, png
from tests.web.helpers import count, number_of, send, stored_case, stored_files, words
from tests.web.test_retake import ask_for_images
from webapp.core.config import Settings
from webapp.models import QualityFlag, Role


@pytest.fixture
def gp(world, sign_in):
    return sign_in(world.user(Role.GP))


def good(seed: int = 0) -> bytes:
    return jpeg(640, 480, seed)


def blurred(seed: int = 0) -> bytes:
    return encoded(picture(640, 480, seed).filter(ImageFilter.GaussianBlur(12)), "JPEG", quality=92)


def dark() -> bytes:
    return encoded(Image.fromarray((np.asarray(picture(640, 480)) * 0.15).astype(np.uint8)), "PNG")


def check(client, data: bytes, token: str = "") -> dict:
    form = {"images": (io.BytesIO(data), "lesion.jpg"), "submission_token": token}
    answer = client.submit("/cases/images/check", form, page="/cases/new")
    assert answer.status_code == 200
    return answer.json


def test_every_issue_of_the_quality_check_has_its_flag() -> None:
    assert {issue.value for issue in QualityIssue} == {flag.value for flag in QualityFlag} - {"already_sent"}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (good(), ""),
        (blurred(), "please retake (out of focus or lacking detail)"),
        (dark(), "please retake (too dark"),
        (jpeg(240, 180), "please retake (resolution too low"),
        (jpeg(1200, 300), "please retake (half or more of the image"),
    ],
    ids=["good", "blurred", "dark", "small", "long"],
)
def test_an_image_is_judged_before_it_is_sent(app: Flask, settings: Settings, gp, data: bytes, text: str) -> None:
    answer = check(gp, data)
    assert answer["refused"] is False
    assert answer["text"].startswith(text)
    assert bool(answer["text"]) == bool(text)
    assert stored_files(settings) == set(), "nothing is stored by asking"


def test_an_unreadable_image_is_refused_before_it_is_sent(gp) -> None:
    answer = check(gp, good()[:3000])
    assert answer["refused"] is True
    assert "damaged or incomplete" in answer["text"]


@pytest.mark.parametrize("files", [0, 2])
def test_one_image_at_a_time_is_judged(gp, files: int) -> None:
    images = [(io.BytesIO(good(i)), f"{i}.jpg") for i in range(files)]
    assert gp.submit("/cases/images/check", {"images": images}, page="/cases/new").status_code == 400


@pytest.mark.control("H6.2")
def test_a_poor_image_needs_a_reason_which_the_dermatologist_reads(app: Flask, world, sign_in, gp) -> None:
    files = [(good(), "good.jpg"), (blurred(), "soft.jpg")]
    response = send(gp, files, send_anyway="  ")
    assert response.status_code == 422
    assert "Image 2 (soft.jpg): please retake (out of focus" in words(response.text)
    assert "Image 1" not in words(response.text)
    assert count(app) == 0
    number = number_of(send(gp, files, send_anyway="Ulcerated: <b>not</b> sharper."))
    with stored_case(app, number) as case:
        assert [(image.quality_flags, image.sent_anyway) for image in case.images] == [
            ([], ""),
            (["out_of_focus"], "Ulcerated: <b>not</b> sharper."),
        ]
    page = sign_in(world.user(Role.DERMATOLOGIST)).get(f"/review/{number}").text
    assert "Quality flag:</strong> out of focus" in page
    assert "Ulcerated: &lt;b&gt;not&lt;/b&gt; sharper." in page


def test_a_reason_without_need_is_not_kept(app: Flask, gp) -> None:
    with stored_case(app, number_of(send(gp, [(good(), "good.jpg")], send_anyway="Typed in vain."))) as case:
        assert (case.images[0].quality_flags, case.images[0].sent_anyway) == ([], "")


@pytest.mark.control("H10.2")
@pytest.mark.parametrize("again", [good(), encoded(picture(640, 480), "JPEG", quality=92, comment=b"another file")])
def test_the_same_pixels_are_not_sent_twice_by_mistake(app: Flask, gp, again: bytes) -> None:
    first = number_of(send(gp, [(good(), "a.jpg")], send_anyway=""))
    assert check(gp, again)["text"] == f"this image was already sent with case {first}"
    response = send(gp, [(again, "b.jpg")], send_anyway="")
    assert response.status_code == 422
    assert f"this image was already sent with case {first}" in words(response.text)
    number = number_of(send(gp, [(again, "b.jpg")], send_anyway="The first case had the wrong reference."))
    with stored_case(app, number) as case:
        assert case.images[0].quality_flags == ["already_sent"]


def test_another_centres_image_is_no_repetition(world, sign_in, gp) -> None:
    number_of(send(sign_in(world.user(Role.GP, centre="Test Centre B")), [(good(), "a.jpg")], send_anyway=""))
    assert check(gp, good())["text"] == ""
    number_of(send(gp, [(good(), "a.jpg")], send_anyway=""))


def test_an_image_chosen_twice_is_noticed(gp) -> None:
    response = send(gp, [(png(640, 480), "a.png"), (png(640, 480), "b.png")], send_anyway="")
    assert "Image 2 (b.png): this image is chosen twice" in words(response.text)


def test_the_same_form_again_is_no_repetition(app: Flask, gp) -> None:
    token = str(uuid.uuid4())
    first = number_of(send(gp, [(good(), "a.jpg")], send_anyway="", submission_token=token))
    assert check(gp, good(), token)["text"] == ""
    assert number_of(send(gp, [(good(), "a.jpg")], send_anyway="", submission_token=token)) == first


def test_new_images_on_request_are_judged_too(app: Flask, world, sign_in) -> None:
    email = world.user(Role.GP)
    number, client = world.case(email), sign_in(email)
    ask_for_images(sign_in(world.user(Role.DERMATOLOGIST)), number)
    page = f"/cases/{number}"
    for reason, status in (("", 422), ("x" * 301, 422), ("It stays soft.", 302)):
        upload = {"images": (io.BytesIO(blurred()), "again.jpg"), "send_anyway": reason}
        assert client.submit(f"{page}/images", upload, page=page).status_code == status
    with stored_case(app, number) as case:
        assert [image.sent_anyway for image in case.images] == ["", "It stays soft."]


@pytest.mark.parametrize("missing", ["consent", "nothing_identifying"])
def test_both_confirmations_are_needed(app: Flask, gp, missing: str) -> None:
    response = send(gp, **{missing: ""})
    assert response.status_code == 422
    assert f'id="{missing}-error"' in response.text
    assert count(app) == 0


def test_the_consent_is_kept_with_its_time(app: Flask, gp) -> None:
    with stored_case(app, number_of(send(gp))) as case:
        assert case.consented_at is not None
        assert abs((case.consented_at - case.submitted_at).total_seconds()) < 5
