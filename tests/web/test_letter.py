"""The PDF letter: what it says, who may have it, and that it loads nothing from elsewhere."""

import json
import re
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.conftest import World
from tests.web.helpers import actions, change_case, image_ids, stored_case, stored_files
from tests.web.reading import decide, take
from webapp.cases import letter, queries
from webapp.core.config import Settings
from webapp.core.database import apart
from webapp.core.extensions import db
from webapp.core.version import VERSION
from webapp.intake import gate
from webapp.models import CaseState, Role
from webapp.storage.store import store_of

try:
    from weasyprint.urls import URLFetcher
except OSError:
    pytest.skip("Pango is not installed: see docs/deployment.md", allow_module_level=True)


@pytest.fixture
def email(world: World) -> str:
    return world.user(Role.GP, name="Test Sender")


@pytest.fixture
def number(world: World, email: str, sign_in) -> str:
    """An answered case with two images."""
    number = world.case(email, images=2, history="<i>Bleeds</i> at times.", patient_reference="TEST-7")
    reader = sign_in(world.user(Role.DERMATOLOGIST, name="Test Reader"))
    take(reader, number)
    answer = {"diagnosis": "bcc", "management": "biopsy", "advice": "Stop <b>warfarin</b>.", "pattern_AT": "present"}
    assert decide(reader, number, **answer).status_code == 302
    return number


@pytest.mark.parametrize("role", [Role.GP, Role.DERMATOLOGIST])
def test_gp_and_dermatologist_get_the_letter(app: Flask, world: World, sign_in, number: str, role: Role) -> None:
    client = sign_in(world.user(role))
    page = client.get(f"/cases/{number}" if role is Role.GP else f"/review/{number}").text
    link = re.search(r'href="([^"]+)">Report as PDF', page)
    assert link
    answer = client.get(link.group(1))
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"] == f"attachment; filename=letter-{number}.pdf"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.data.startswith(b"%PDF-")
    assert answer.data.count(b"/Subtype /Image") == 2
    assert actions(app)[-1] == "letter.made"


def test_the_letter_says_what_was_decided(app: Flask, number: str, monkeypatch) -> None:
    pages = []

    def drawn(page: str, _style: object) -> bytes:
        pages.append(page)
        return b""

    monkeypatch.setattr(letter, "_drawn", drawn)
    with app.test_request_context(), stored_case(app, number) as case:
        letter.pdf_of(case)
    for text in (
        "TEST-7",
        number,
        "Test Sender, Test Centre A",
        "Test Reader",
        "Basal cell carcinoma",
        "Biopsy",
        "Stop &lt;b&gt;warfarin",
        "Arborizing telangiectasia",
        "Present",
        "&lt;i&gt;Bleeds",
        f"with DermTriage {VERSION}.",
    ):
        assert text in pages[0], text
    assert pages[0].count("data:image/jpeg;base64,") == 2


def test_the_letter_shows_the_marks(app: Flask, world: World, email: str, sign_in, monkeypatch) -> None:
    number = world.case(email, images=2)
    marks = [{"image": image_ids(app, number)[1], "x": 0.5, "y": 0.5, "text": "Biopsy <here>"}]
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    decide(reader, number, marks=json.dumps(marks))
    gp = sign_in(email)
    assert gp.get(f"/media/letters/{number}.pdf").data.startswith(b"%PDF-")
    pages: list[str] = []

    def drawn(page: str, _style: object) -> bytes:
        pages.append(page)
        return b""

    monkeypatch.setattr(letter, "_drawn", drawn)
    gp.get(f"/media/letters/{number}.pdf")
    assert "Mark 1, image 2:</strong> Biopsy &lt;here&gt;" in pages[0]
    first, second = pages[0].split("<figure>")[1:]
    assert "<svg" not in first
    assert ">1</text>" in second


def test_another_centre_and_an_admin_get_none(world: World, sign_in, number: str) -> None:
    assert sign_in(world.user(Role.GP, centre="Test Centre B")).get(f"/media/letters/{number}.pdf").status_code == 404
    assert sign_in(world.user(Role.ADMIN)).get(f"/media/letters/{number}.pdf").status_code == 403


@pytest.mark.parametrize("state", [state for state in CaseState if state not in (CaseState.REVIEWED, CaseState.CLOSED)])
def test_without_an_answer_there_is_no_letter(
    app: Flask, world: World, email: str, sign_in, number: str, state: CaseState
) -> None:
    change_case(app, number, state=state, is_open=state.value in ("submitted", "awaiting_review", "in_review"))
    assert sign_in(email).get(f"/media/letters/{number}.pdf").status_code == 404
    assert "letter.made" not in actions(app)


def test_a_lost_image_gives_no_half_letter(app: Flask, settings: Settings, email: str, sign_in, number: str) -> None:
    for key in stored_files(settings):
        store_of(app).delete(key)
    assert sign_in(email).get(f"/media/letters/{number}.pdf").status_code == 503
    assert "letter.made" not in actions(app)


def test_a_server_without_pango_says_so(app: Flask, email: str, sign_in, number: str, monkeypatch) -> None:
    class Missing:
        def find_spec(self, name: str, *_more: object) -> None:
            if name == "weasyprint":
                raise OSError("cannot load library 'libpango-1.0-0'")

    for name in [name for name in sys.modules if name.partition(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    answer = sign_in(email).get(f"/media/letters/{number}.pdf")
    assert answer.status_code == 503
    assert "Temporarily unavailable" in answer.text


def test_the_letter_fetches_nothing(app: Flask, number: str, monkeypatch) -> None:
    fetched = []
    original = URLFetcher.fetch

    def noted(self: URLFetcher, url: str, *more: Any) -> Any:
        fetched.append(url)
        return original(self, url, *more)

    monkeypatch.setattr(URLFetcher, "fetch", noted)
    with app.test_request_context(), stored_case(app, number) as case:
        assert case.submitted_by.name  # what the page shows is loaded before the transaction ends
        letter.pdf_of(case)
    assert fetched
    assert all(url.startswith("data:image/jpeg") for url in fetched)
    with app.test_request_context():
        page = '<img src="http://127.0.0.1:9/x.png"><img src="file:///etc/hostname">'
        style = letter.Path(str(app.static_folder)) / letter.STYLE
        assert letter._drawn(page, style).count(b"/Subtype /Image") == 0


def test_it_is_drawn_without_a_lock_and_in_turn_with_uploads(
    app: Flask, email: str, sign_in, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows, images, drawing: meanwhile another writer need not wait, and no connection is held for what is slow."""
    client, steps = sign_in(email), []

    def watched(name: str, own: Callable[..., Any], *, reads: bool) -> Callable[..., Any]:
        def step(*given: Any) -> Any:
            with apart() as connection:  # waits for whoever holds the write lock
                connection.execute(sa.text("UPDATE audit_head SET id = id"))
            in_turn = not gate.DECODING.acquire(blocking=False)
            if not in_turn:
                gate.DECODING.release()
            steps.append((name, db.session().in_transaction() and not reads, in_turn))
            return own(*given)

        return step

    monkeypatch.setattr(queries, "letterhead", watched("rows", queries.letterhead, reads=True))
    monkeypatch.setattr(letter, "_printable", watched("image", letter._printable, reads=False))
    monkeypatch.setattr(letter, "_drawn", watched("drawing", lambda *_: b"%PDF", reads=False))
    assert client.get(f"/media/letters/{number}.pdf").status_code == 200
    assert steps == [("rows", False, False), ("image", False, True), ("image", False, True), ("drawing", False, True)]
    assert actions(app)[-1] == "letter.made"


def test_when_too_many_images_are_being_decoded_it_is_put_off(
    app: Flask, email: str, sign_in, number: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gate, "INSIDE", threading.BoundedSemaphore(1))
    client = sign_in(email)
    with gate.INSIDE:
        answer = client.get(f"/media/letters/{number}.pdf")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "letter.made" not in actions(app)
