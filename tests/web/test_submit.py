"""A GP sends a case: stored completely, once, and queued."""

import io
import re
import sys
import threading
import uuid
from typing import Any

import pytest
from flask import Flask
from PIL import Image

from ml.imaging import decoding
from tests.images import encoded, jpeg, picture, png
from tests.web.helpers import actions, count, filled_in, in_force, number_of, send, stored_case, stored_files, words
from tests.web.test_retake import ask_for_images
from webapp.analysis import queue
from webapp.core.config import Settings
from webapp.models import AnalysisState, BodySite, CaseState, Role, Sex, TriageReason, Urgency
from webapp.storage.store import store_of


@pytest.fixture
def gp(world, sign_in):
    return sign_in(world.user(Role.GP))


def test_everything_that_was_filled_in_is_stored(app: Flask, gp) -> None:
    with stored_case(app, number_of(send(gp))) as case:
        assert (case.patient_reference, case.birth_year, case.sex) == ("PC-7/2026", 1961, Sex.FEMALE)
        assert (case.phototype, case.body_site, case.urgency) == (2, BodySite.FACE, Urgency.SOON)
        assert (case.history, case.clinical_question) == ("Shiny nodule since spring.", "BCC?")
        assert case.centre.name == "Test Centre A"
        assert case.synthetic is False


def test_only_reference_site_and_image_are_needed(app: Flask, gp) -> None:
    optional = dict.fromkeys(("birth_year", "sex", "phototype", "history", "clinical_question"), "")
    with stored_case(app, number_of(send(gp, **optional))) as case:
        assert (case.birth_year, case.sex, case.phototype, case.history) == (None, None, None, "")


def test_fields_that_no_form_has_change_nothing(app: Flask, gp) -> None:
    hostile = {"rank": "3", "needs_person": "", "state": "reviewed", "is_open": "", "centre_id": "9", "synthetic": "1"}
    with stored_case(app, number_of(send(gp, **hostile, number="AAAA-AAAA", bcc_probability="0"))) as case:
        assert (case.rank, case.needs_person, case.state, case.is_open) == (2.0, True, CaseState.SUBMITTED, True)
        assert (case.centre.name, case.synthetic, case.bcc_probability) == ("Test Centre A", False, None)


def test_a_new_case_stands_at_the_top_and_waits_for_analysis(app: Flask, gp) -> None:
    with stored_case(app, number_of(send(gp))) as case:
        assert (case.state, case.is_open, case.rank, case.needs_person) == (CaseState.SUBMITTED, True, 2.0, True)
        assert case.triage_reason is TriageReason.AWAITING_ANALYSIS
        assert [in_force(image).state for image in case.images] == [AnalysisState.QUEUED]
    with app.app_context():
        assert queue.pending_count() == 1


@pytest.mark.parametrize("images", [1, 2, 6])
def test_one_to_six_images_in_the_order_they_were_chosen(app: Flask, settings: Settings, gp, images: int) -> None:
    files = [(jpeg(width=200 + i), f"{i}.jpg") for i in range(images)]
    with stored_case(app, number_of(send(gp, files))) as case:
        assert [(image.position, image.width) for image in case.images] == [(i + 1, 200 + i) for i in range(images)]
    assert len(stored_files(settings)) == 3 * images


@pytest.mark.parametrize(
    ("data", "media_type"),
    [(jpeg(), "image/jpeg"), (png(), "image/png"), (encoded(picture(), "WEBP"), "image/jpeg")],
    ids=["JPEG", "PNG", "WebP"],
)
def test_the_kinds_that_are_promised_are_taken(app: Flask, gp, data: bytes, media_type: str) -> None:
    number = number_of(send(gp, [(data, "lesion")]))
    with stored_case(app, number) as case:
        image = case.images[0]
        assert (image.media_type, image.width, image.height) == (media_type, 240, 180)
        stored = store_of(app).get(image.key)
    assert Image.open(io.BytesIO(stored)).size == (240, 180)


def test_each_file_is_decoded_once_on_its_way_in(app: Flask, gp, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is most of the work, and what a process does one request at a time."""
    decode, seen = decoding.decode, []

    def counted(data: bytes, *more: Any, **options: Any) -> Image.Image:
        seen.append(data)
        return decode(data, *more, **options)

    ours = [module for name, module in sys.modules.items() if name.split(".")[0] in ("ml", "webapp")]
    for module in ours:  # whoever imported it, and under whatever name
        for name in [name for name, value in vars(module).items() if value is decode]:
            monkeypatch.setattr(module, name, counted)
    files = [(jpeg(), "a.jpg"), (png(seed=1), "b.png")]
    with stored_case(app, number_of(send(gp, files))) as case:
        assert len(case.images) == 2
    assert seen == [data for data, _name in files]


def test_the_same_form_sent_twice_is_one_case(app: Flask, settings: Settings, gp) -> None:
    token = str(uuid.uuid4())
    first = number_of(send(gp, submission_token=token))
    files = stored_files(settings)
    assert number_of(send(gp, submission_token=token)) == first
    assert count(app) == 1
    assert stored_files(settings) == files


@pytest.mark.control("H10.3")
@pytest.mark.parametrize(
    "change",
    [{"patient_reference": "PC-8/2026"}, {"body_site": "hand"}, {"urgency": "urgent"}, {"history": "Other."}, "image"],
)
def test_the_same_form_with_other_contents_is_refused_in_words_and_nothing_is_lost(app: Flask, gp, change) -> None:
    token = str(uuid.uuid4())
    first = number_of(send(gp, submission_token=token))
    files = [(jpeg(seed=4), "other.jpg")] if change == "image" else None
    changed = {} if change == "image" else change
    refused = send(gp, files, submission_token=token, **changed)
    assert refused.status_code == 422
    assert f"This form was sent before, as case {first}" in words(refused.text)
    for kept in changed.values():
        assert kept in refused.text
    with stored_case(app, first) as case:
        assert (case.patient_reference, case.body_site, len(case.images)) == ("PC-7/2026", BodySite.FACE, 1)
    fresh = re.search(r'name="submission_token"[^>]*value="([^"]+)"', refused.text)
    assert fresh
    assert fresh.group(1) != token
    assert number_of(send(gp, files, submission_token=fresh.group(1), **changed)) != first
    assert count(app) == 2


def test_the_form_of_another_user_comes_back_as_a_new_one(app: Flask, world, sign_in, gp) -> None:
    """As on a shared computer, where somebody else has signed in meanwhile. It says nothing of the other's case."""
    form = filled_in()
    first = number_of(send(sign_in(world.user(Role.GP, centre="Test Centre B")), **form))
    answer = send(gp, **form | {"history": "Grown since spring."})
    assert answer.status_code == 422
    assert "by another user" in answer.text
    assert first not in answer.text
    assert "Grown since spring." in answer.text
    assert count(app) == 1
    token = re.search(r'name="submission_token"[^>]*value="([^"]+)"', answer.text)
    assert token
    assert token[1] != form["submission_token"]
    assert send(gp, **form | {"submission_token": token[1]}).status_code == 302


def test_a_second_form_is_a_second_case(app: Flask, gp) -> None:
    assert number_of(send(gp)) != number_of(send(gp))
    assert count(app) == 2


@pytest.mark.control("H3.3")
def test_a_real_double_click_is_one_case(app: Flask, settings: Settings, gp) -> None:
    """Two simultaneous requests with the same cookies."""
    csrf, form = gp.token("/cases/new"), filled_in()
    cookie = gp.get_cookie("dermtriage")
    answers, start = [], threading.Barrier(2)

    def click() -> None:
        client = app.test_client()
        client.set_cookie("dermtriage", cookie.value)
        start.wait()
        answers.append(
            client.post("/cases/new", data={"csrf_token": csrf, **form, "images": [(io.BytesIO(jpeg()), "a.jpg")]})
        )

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for thread in clicks:
        thread.start()
    for thread in clicks:
        thread.join()
    assert [answer.status_code for answer in answers] == [302, 302]
    assert answers[0].location == answers[1].location
    assert count(app) == 1
    assert len(stored_files(settings)) == 3


@pytest.mark.parametrize("reference", ["A12", "pc-7.2026/x_1", "9" * 40, "  padded-1  "])
def test_a_code_is_taken(app: Flask, gp, reference: str) -> None:
    with stored_case(app, number_of(send(gp, patient_reference=reference))) as case:
        assert case.patient_reference == reference.strip()


def test_a_case_number_can_be_read_out_on_the_telephone(gp) -> None:
    number = number_of(send(gp))
    assert number.startswith("DT-")
    assert not set(number[3:]) & set("01ILOU")


def test_what_the_script_sends_is_confirmed_and_opened_once(app: Flask, world, sign_in) -> None:
    """A redirect would be followed silently: the confirmation lost and the view audited before anybody looks."""
    email = world.user(Role.GP)
    client = sign_in(email)
    by_script = {"X-Requested-With": "XMLHttpRequest"}
    form = {"csrf_token": client.token("/cases/new"), **filled_in(), "images": [(io.BytesIO(jpeg()), "a.jpg")]}
    sent = client.post("/cases/new", data=form, headers=by_script)
    assert (sent.status_code, sent.mimetype) == (201, "application/json")
    page = sent.json["page"]
    number = page.rsplit("/", 1)[1]
    assert actions(app, ignore=("account.signed_in", "record.changed")) == ["case.submitted"]
    assert f"Case {number} was sent" in client.get(page).text
    assert f"Case {number} was sent" not in client.get(page).text
    ask_for_images(sign_in(world.user(Role.DERMATOLOGIST)), number)
    more = {"csrf_token": client.token(page), "send_anyway": "Test.", "images": [(io.BytesIO(jpeg(seed=3)), "b.jpg")]}
    added = client.post(f"{page}/images", data=more, headers=by_script)
    assert (added.status_code, added.json) == (201, {"page": page})
    assert "The new images were added" in client.get(page).text
