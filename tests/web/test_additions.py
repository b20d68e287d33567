"""Something to add to a waiting case: a note or images, as new for the reader, once, and never lost."""

import io
import re
import uuid

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import World
from tests.images import jpeg
from tests.web.helpers import WITHDRAWAL, actions, number_of, send, stored_case, stored_files, words
from tests.web.reading import all_of, decide, take
from tests.web.test_corrections import void
from tests.web_client import CheckedClient
from webapp.models import AnalysisState, CaseState, Role, TriageReason, User
from webapp.storage.errors import StoreAwayError
from webapp.storage.store import ImageStore
from webapp.triage.rank import Section

NOTE = "It has <bled> since."
SAID = "It has &lt;bled&gt; since."


@pytest.fixture
def client(gp: str, sign_in) -> CheckedClient:
    return sign_in(gp)


def add(client: CheckedClient, number: str, *files: bytes, token: str = "", **fields: str) -> TestResponse:
    upload = [(io.BytesIO(data), f"more{i}.jpg") for i, data in enumerate(files)]
    form = {"token": token or str(uuid.uuid4()), "send_anyway": "A test image.", "images": upload, **fields}
    return client.submit(f"/cases/{number}/additions", form, page="/cases/new", content_type="multipart/form-data")


def decided(reader: CheckedClient, number: str, **decision: str) -> None:
    take(reader, number)
    assert decide(reader, number, **decision).status_code == 302


def test_a_note_stays_on_the_record_with_time_and_author(app: Flask, world: World, gp: str, client, reader) -> None:
    number = world.case(gp)
    world.analyse(number, 0.02)
    assert add(client, number, note=NOTE).status_code == 302
    page = client.get(f"/cases/{number}").text
    assert SAID in page
    assert "Note added to case" in page
    read = reader.get(f"/review/{number}").text
    assert SAID in read
    assert "Added <time" in read
    with stored_case(app, number) as case:
        (addition,) = case.additions
        assert (addition.note, addition.user.email, addition.positions) == (NOTE, gp, [])
        assert case.state is CaseState.AWAITING_REVIEW, "a note is nothing to analyse"
    assert actions(app)[-1] == "case.added_to"
    decided(reader, number)
    client.get(f"/cases/{number}")


def test_an_image_goes_through_the_whole_intake_and_moves_the_case_up(
    app: Flask, world: World, gp: str, client, reader
) -> None:
    number = world.case(gp)
    world.analyse(number, 0.02)
    with stored_case(app, number) as case:
        assert Section.of(case) is Section.REST
    assert add(client, number, jpeg(seed=5), note=NOTE).status_code == 302
    with stored_case(app, number) as case:
        assert (case.state, case.triage_reason) == (CaseState.SUBMITTED, TriageReason.AWAITING_ANALYSIS)
        assert Section.of(case) is Section.NEEDS_PERSON
        assert [image.analyses[-1].state for image in case.images] == [AnalysisState.DONE, AnalysisState.QUEUED]
        assert case.additions[0].positions == [2]
        assert case.images[1].sent_anyway == "A test image."
    world.analyse(number, 0.9)
    with stored_case(app, number) as case:
        assert (case.state, Section.of(case)) == (CaseState.AWAITING_REVIEW, Section.SUSPECTED)
    assert ", image 2" in words(reader.get(f"/review/{number}").text)


@pytest.mark.parametrize("first", [0.02, 0.6, 0.97, None])
@pytest.mark.parametrize("second", [0.01, 0.5, None])
def test_no_image_moves_a_case_down(app: Flask, world: World, gp: str, client, first, second) -> None:
    number = world.case(gp)
    world.analyse(number, first)
    ranks = []
    for step in (lambda: None, lambda: add(client, number, jpeg(seed=5)), lambda: world.analyse(number, second)):
        step()
        with stored_case(app, number) as case:
            ranks.append(case.rank)
    assert ranks[1] <= ranks[0]
    assert ranks[2] <= ranks[0]


@pytest.mark.parametrize("what", [{"note": NOTE}, {"files": [jpeg(seed=5)]}])
def test_who_is_reviewing_the_case_sees_it_before_deciding(
    app: Flask, world: World, gp: str, client, reader, what: dict
) -> None:
    number = world.case(gp)
    take(reader, number)
    shown = all_of(reader, number)
    assert 'class="badge-new">new' not in reader.get(f"/review/{number}").text
    assert add(client, number, *what.get("files", []), note=what.get("note", "")).status_code == 302
    refused = decide(reader, number, shown=shown, advice="My words")
    assert refused.status_code == 422
    assert ("the GP has added a note" if "note" in what else "new images have been added") in refused.text
    assert "My words" in refused.text
    assert 'class="badge-new">new' in refused.text
    with stored_case(app, number) as case:
        assert case.state is CaseState.IN_REVIEW, "the reader keeps the case"
    assert decide(reader, number, override_reason="Seen.").status_code == 302


def test_a_note_that_was_there_before_is_not_called_new(world: World, gp: str, client, reader) -> None:
    number = world.case(gp)
    add(client, number, note=NOTE)
    take(reader, number)
    page = reader.get(f"/review/{number}").text
    assert SAID in page
    assert 'class="badge-new">new' not in page


def test_a_form_sent_twice_adds_once(app: Flask, settings, world: World, gp: str, client) -> None:
    number, token = world.case(gp), str(uuid.uuid4())
    for _ in range(2):
        assert add(client, number, jpeg(seed=5), note=NOTE, token=token).status_code == 302
    with stored_case(app, number) as case:
        assert (len(case.images), len(case.additions)) == (2, 1)
    files = stored_files(settings)
    assert len(files) == 6
    changed = add(client, number, jpeg(seed=5), note="Something else", token=token)
    assert changed.status_code == 422
    assert "This form was sent before" in changed.text
    assert "Something else" in changed.text, "nothing typed is lost"
    fresh = re.search(r'name="token"[^>]*value="([^"]+)"', changed.text)
    assert fresh
    assert fresh.group(1) != token
    assert stored_files(settings) == files
    assert add(client, number, note="Something else", token=fresh.group(1)).status_code == 302


def test_sent_twice_its_image_is_not_taken_for_one_that_was_sent_before(app: Flask, world: World, gp, client) -> None:
    number, token, sharp = world.case(gp), str(uuid.uuid4()), jpeg(640, 480, seed=5)
    for _ in range(2):
        assert add(client, number, sharp, token=token, send_anyway="").status_code == 302
    with stored_case(app, number) as case:
        assert [image.quality_flags for image in case.images[1:]] == [[]]


def test_the_cases_own_image_again_needs_a_reason(world: World, client) -> None:
    number = number_of(send(client, [(jpeg(seed=9), "a.jpg")]))
    again = add(client, number, jpeg(seed=9), send_anyway="", note=NOTE)
    assert again.status_code == 422
    assert f"already sent with case {number}" in again.text
    assert SAID in again.text


@pytest.mark.parametrize(
    ("decision", "words_said"),
    [
        ({}, "A dermatologist has answered in the meantime"),
        (
            {"diagnosis": "uncertain", "management": "retake", "advice": "Closer."},
            "The dermatologist has asked for new images in the meantime",
        ),
    ],
)
def test_decided_meanwhile_it_is_refused_with_the_way_out(
    app: Flask, settings, world: World, gp: str, client, reader, decision: dict, words_said: str
) -> None:
    number = world.case(gp)
    decided(reader, number, **decision)
    files = stored_files(settings)
    late = add(client, number, jpeg(seed=5), note=NOTE)
    assert late.status_code == 409
    assert words_said in late.text
    assert SAID in late.text, "the note is not lost"
    assert (f"/cases/new?follows={number}" in late.text) == (not decision)
    assert stored_files(settings) == files
    with stored_case(app, number) as case:
        assert (len(case.images), case.additions) == (1, [])


def test_nothing_is_added_to_a_withdrawn_or_void_case(app: Flask, world: World, gp: str, client, reader) -> None:
    withdrawn, voided = world.case(gp), world.case(gp)
    client.submit(f"/cases/{withdrawn}/withdraw", WITHDRAWAL, page=f"/cases/{withdrawn}")
    assert void(reader, voided).status_code == 302
    for number in (withdrawn, voided):
        late = add(client, number, note=NOTE)
        assert late.status_code == 409
        assert "withdrawn, or marked as void" in late.text
        assert "/additions" not in client.get(f"/cases/{number}").text


def test_a_mistake_keeps_what_was_typed_and_changes_nothing(app: Flask, world: World, gp: str, client) -> None:
    number = world.case(gp)
    empty = add(client, number)
    assert empty.status_code == 422
    assert "Write a note, or choose an image." in empty.text
    damaged = add(client, number, jpeg()[:2000], note=NOTE)
    assert damaged.status_code == 422
    assert "damaged or incomplete" in damaged.text
    assert SAID in damaged.text
    assert '<details class="addition" open' in damaged.text
    named = add(client, number, note="Mrs Miller says it bled.")
    assert "looks like a name" in named.text
    assert add(client, number, note="Mrs Miller says it bled.", nobody_identified="y").status_code == 302
    assert add(client, number, note=NOTE, token="no token").status_code == 422
    assert add(client, number, note="x" * 2001).status_code == 422
    with stored_case(app, number) as case:
        assert (len(case.images), len(case.additions)) == (1, 1)


def test_a_case_has_no_more_images_than_it_may(app: Flask, settings, world: World, gp: str, client) -> None:
    most = settings.max_images_per_case
    number = world.case(gp, images=most)
    files = stored_files(settings)
    refused = add(client, number, jpeg(seed=99), note=NOTE)
    assert refused.status_code == 422
    assert f"A case can have up to {most} images; this one has {most} already." in refused.text
    assert SAID in refused.text
    assert stored_files(settings) == files
    assert add(client, number, note=NOTE).status_code == 302


def test_a_store_that_is_away_loses_nothing(app: Flask, world: World, gp: str, client, monkeypatch) -> None:
    number = world.case(gp)

    def away(_store: ImageStore, _data: bytes) -> str:
        raise StoreAwayError("away")

    monkeypatch.setattr(ImageStore, "put", away)
    refused = add(client, number, jpeg(seed=5), note=NOTE)
    assert refused.status_code == 503
    assert SAID in refused.text
    with stored_case(app, number) as case:
        assert (len(case.images), case.additions) == (1, [])


def test_another_centre_and_a_dermatologist_add_nothing(world: World, gp: str, reader, sign_in) -> None:
    number = world.case(gp)
    assert add(sign_in(world.user(Role.GP, centre="Test Centre B")), number, note=NOTE).status_code == 404
    form = {"token": str(uuid.uuid4()), "note": NOTE}
    assert reader.submit(f"/cases/{number}/additions", form, page="/profile").status_code == 403


def test_a_colleague_adds_in_their_own_name(app: Flask, world: World, gp: str, sign_in) -> None:
    number, email = world.case(gp), world.user(Role.GP, name="Test Locum")
    assert add(sign_in(email), number, note=NOTE).status_code == 302
    with stored_case(app, number) as case:
        added_by: User = case.additions[0].user
        assert added_by.name == "Test Locum"
