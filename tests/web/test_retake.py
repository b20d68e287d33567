"""New images on request, and withdrawal: the case stays one case, and nobody reviews a withdrawn one."""

import io

import pytest
from flask import Flask
from sqlalchemy import select

from tests.images import jpeg
from tests.web.helpers import WITHDRAWAL
from tests.web.reading import all_of, take
from tests.web.test_changes import undo
from webapp.core.database import reading
from webapp.models import Case, CaseState, ReopenReason, Role


def stored(app: Flask, number: str) -> Case:
    with app.app_context(), reading() as session:
        case = session.scalars(select(Case).where(Case.number == number)).one()
        assert len(case.images) >= 0  # loaded before the session ends
        session.expunge_all()
        return case


def ask_for_images(reader, number: str, advice: str = "Closer, and in focus, please."):
    reader.submit(f"/review/{number}/claim", page="/review/")
    return reader.submit(
        f"/review/{number}/decide",
        {"diagnosis": "uncertain", "management": "retake", "advice": advice, "shown": all_of(reader, number)},
        page=f"/review/{number}",
    )


def send_images(client, number: str, *files: bytes):
    upload = [(io.BytesIO(data), f"again{i}.jpg") for i, data in enumerate(files)]
    return client.submit(
        f"/cases/{number}/images",
        {"images": upload, "send_anyway": "A test image."},
        page=f"/cases/{number}",
        content_type="multipart/form-data",
    )


def test_a_request_for_images_needs_words(app: Flask, world, reader, gp: str) -> None:
    number = world.case(gp)
    response = ask_for_images(reader, number, advice="")
    assert response.status_code == 422
    assert "what the new images should show" in response.text
    assert stored(app, number).state is not CaseState.RETAKE_REQUESTED


def test_new_images_bring_the_same_case_back_to_the_top(app: Flask, world, sign_in, reader, gp: str) -> None:
    number = world.case(gp)
    world.analyse(number, 0.01)
    waiting_since = stored(app, number).waiting_since
    assert ask_for_images(reader, number).status_code == 302
    assert f"/review/{number}/claim" not in reader.get("/review/").text

    client = sign_in(gp)
    assert "New images requested" in client.get("/cases/").text
    assert "Closer, and in focus, please." in client.get(f"/cases/{number}").text
    assert send_images(client, number, jpeg(seed=5), jpeg(seed=6)).status_code == 302

    case = stored(app, number)
    assert (case.state, case.is_open, case.rank) == (CaseState.SUBMITTED, True, 2.0)
    assert [image.position for image in case.images] == [1, 2, 3]
    assert case.waiting_since == waiting_since
    page = reader.get(f"/review/{number}").text
    assert "New images requested" in page
    assert "Image 3 of 3" in page
    assert "Closer" not in client.get(f"/cases/{number}").text, "the GP sees the progress again, not the old request"


@pytest.mark.parametrize("claimed", [False, True])
def test_new_images_reach_a_case_that_was_reopened_meanwhile(
    app: Flask, world, sign_in, reader, gp: str, claimed: bool
) -> None:
    """A late result has re-opened it while the GP took them. They are accepted once, and nothing is lost."""
    number, client = world.case(gp), sign_in(gp)
    ask_for_images(reader, number)
    assert "Closer, and in focus" in client.get(f"/cases/{number}").text
    world.analyse(number, 0.9)
    if claimed:
        take(reader, number)
    state = stored(app, number).state
    page = client.get(f"/cases/{number}").text
    assert "re-opened" in page
    assert "Closer, and in focus" in page, "the GP has read the request, and can still see what is needed"
    assert f"/cases/{number}/images" in page
    refused = send_images(client, number, jpeg()[:2000])
    assert refused.status_code == 422
    assert "damaged or incomplete" in refused.text
    assert send_images(client, number, jpeg(seed=5)).status_code == 302
    case = stored(app, number)
    assert (len(case.images), case.reopened) == (2, ReopenReason.LATE_RESULT)
    assert case.state is (CaseState.IN_REVIEW if claimed else CaseState.SUBMITTED)
    assert state is (CaseState.IN_REVIEW if claimed else CaseState.AWAITING_REVIEW)
    assert 1.0 < case.rank < 1.5, "still before all others"
    assert f"/cases/{number}/images" not in client.get(f"/cases/{number}").text
    assert send_images(client, number, jpeg(seed=6)).status_code == 409


def test_images_sent_again_after_a_lost_answer_are_said_to_be_added(app, world, sign_in, reader, gp: str) -> None:
    number, client = world.case(gp), sign_in(gp)
    ask_for_images(reader, number)
    for _ in range(2):
        assert send_images(client, number, jpeg(seed=5), jpeg(seed=6)).status_code == 302
    assert "already added to case" in client.get(f"/cases/{number}").text
    assert len(stored(app, number).images) == 3
    assert send_images(client, number, jpeg(seed=7)).status_code == 409


def test_a_request_taken_back_wants_no_images(app: Flask, world, sign_in, reader, gp: str) -> None:
    number = world.case(gp)
    ask_for_images(reader, number)
    undo(reader, number)
    assert send_images(sign_in(gp), number, jpeg(seed=5)).status_code == 409


def test_a_bad_new_image_changes_nothing(app: Flask, world, sign_in, reader, gp: str) -> None:
    number = world.case(gp)
    ask_for_images(reader, number)
    response = send_images(sign_in(gp), number, jpeg()[:2000])
    assert response.status_code == 422
    assert "damaged or incomplete" in response.text
    case = stored(app, number)
    assert (case.state, len(case.images)) == (CaseState.RETAKE_REQUESTED, 1)


def test_images_that_nobody_asked_for_are_refused(app: Flask, world, sign_in, gp: str) -> None:
    number = world.case(gp)
    assert send_images(sign_in(gp), number, jpeg(seed=5)).status_code == 409
    assert len(stored(app, number).images) == 1


def test_another_centre_cannot_add_images_or_withdraw(app: Flask, world, sign_in, gp: str) -> None:
    number = world.case(gp)
    other = sign_in(world.user(Role.GP, centre="Test Centre B"))
    for action in ("images", "withdraw"):
        assert other.submit(f"/cases/{number}/{action}", page="/cases/new").status_code == 404
    assert stored(app, number).is_open


def test_a_withdrawn_case_cannot_be_decided(app: Flask, world, sign_in, reader, gp: str) -> None:
    number = world.case(gp)
    reader.submit(f"/review/{number}/claim", page="/review/")
    decision = {"csrf_token": reader.token(f"/review/{number}"), "diagnosis": "benign", "management": "routine_clinic"}
    client = sign_in(gp)
    assert client.submit(f"/cases/{number}/withdraw", WITHDRAWAL, page=f"/cases/{number}").status_code == 302
    assert stored(app, number).state is CaseState.WITHDRAWN
    assert f"/review/{number}/claim" not in reader.get("/review/").text
    response = reader.post(f"/review/{number}/decide", data={**decision, "advice": "My words"})
    assert response.status_code == 409
    assert "My words" in response.text
    assert "withdrawn" in client.get(f"/cases/{number}").text


def test_an_answered_case_cannot_be_withdrawn(app: Flask, world, sign_in, reader, gp: str) -> None:
    number = world.case(gp)
    client = sign_in(gp)
    token = client.token(f"/cases/{number}")
    reader.submit(f"/review/{number}/claim", page="/review/")
    answer = {
        "diagnosis": "benign",
        "management": "routine_clinic",
        "pattern_PN": "present",
        "pattern_AT": "cannot_tell",
        "shown": all_of(reader, number),
    }
    reader.submit(f"/review/{number}/decide", answer, page=f"/review/{number}")
    assert client.post(f"/cases/{number}/withdraw", data={"csrf_token": token, **WITHDRAWAL}).status_code == 409
    assert stored(app, number).state is CaseState.REVIEWED
    page = client.get(f"/cases/{number}").text
    assert "pigment network: present" in page
    assert "arborizing telangiectasia: unable to tell" in page


def test_a_case_withdrawn_instead_of_sending_images_says_so(world, sign_in, reader, gp: str) -> None:
    number, client = world.case(gp), sign_in(gp)
    ask_for_images(reader, number)
    assert client.submit(f"/cases/{number}/withdraw", WITHDRAWAL, page=f"/cases/{number}").status_code == 302
    page = client.get(f"/cases/{number}").text
    assert "This case was withdrawn" in page
    assert f"/cases/{number}/images" not in page
