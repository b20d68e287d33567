"""One rule: nothing shows an answer to a GP before it is opened, and an opened answer can no longer be taken back."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import actions, standing, stored_case, words
from tests.web.reading import decide, take
from tests.web.test_changes import amend, later, rows, undo
from tests.web_client import CheckedClient
from webapp.cases import letter
from webapp.cases.presenters import STATE_WORDS
from webapp.models import CaseState, Diagnosis, Management, Role

BIOPSY = {"diagnosis": "bcc", "management": "biopsy", "advice": "Stop aspirin."}
RETAKE = {"diagnosis": "uncertain", "management": "retake", "advice": "Sharper, please."}
LABELS = [Diagnosis.BCC.label, Management.BIOPSY.label, Diagnosis.UNCERTAIN.label, Management.RETAKE.label]
SHOWN = (*(label for label in LABELS if label not in STATE_WORDS.values()), BIOPSY["advice"], RETAKE["advice"])
"""What tells of an outcome: the state alone may be known."""
WAYS_TO_OPEN = {"page": "/cases/{}", "letter": "/media/letters/{}.pdf"}


@pytest.fixture
def email(world: World) -> str:
    return world.user(Role.GP, name="Test Opener")


@pytest.fixture
def gp(email: str, sign_in) -> CheckedClient:
    return sign_in(email)


@pytest.fixture
def number(world: World, email: str) -> str:
    number = world.case(email)
    world.analyse(number, 0.02)
    return number


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters are drawn in their own test."""
    monkeypatch.setattr(letter, "_drawn", lambda _page, _style: b"%PDF-")


def decided(reader: CheckedClient, number: str, **form: str) -> None:
    take(reader, number)
    assert decide(reader, number, **form).status_code == 302


def outcome_in(client: CheckedClient, path: str) -> list[str]:
    answer = client.get(path)
    assert answer.status_code == 200
    return [part for part in SHOWN if part in answer.text]


def opener(app: Flask, number: str) -> str | None:
    with stored_case(app, number) as case:
        receipt = standing(case).receipt
        return receipt.user.name if receipt else None


@pytest.mark.parametrize("form", [BIOPSY, RETAKE])
def test_the_list_shows_an_outcome_only_once_it_is_opened(app: Flask, reader, gp, number: str, form: dict) -> None:
    decided(reader, number, **form)
    for path in ("/cases/", "/cases/list", f"/cases/{number}/status"):
        assert outcome_in(gp, path) == [], path
    assert opener(app, number) is None
    assert "Open the case to read" in words(gp.get("/cases/").text)
    gp.get(f"/cases/{number}")
    assert outcome_in(gp, "/cases/") != []
    assert "Open the case to read" not in words(gp.get("/cases/").text)
    amend(reader, number, **BIOPSY)
    assert outcome_in(gp, "/cases/") == [], "an amendment is unread again"


def test_the_page_of_a_follow_up_shows_it_only_then(app: Flask, world: World, reader, gp, email, number: str) -> None:
    follower = world.case(email)
    gp.submit(f"/cases/{follower}/follow", {"follows": number}, page=f"/cases/{follower}")
    decided(reader, number, **BIOPSY)
    assert outcome_in(gp, f"/cases/{follower}") == []
    assert "Answered: open to read" in words(gp.get(f"/cases/{follower}").text)
    assert opener(app, number) is None
    assert "basal cell carcinoma, biopsy" in words(reader.get(f"/review/{follower}").text)
    gp.get(f"/cases/{number}")
    assert outcome_in(gp, f"/cases/{follower}") == LABELS[:2]


@pytest.mark.parametrize("way", WAYS_TO_OPEN)
def test_page_and_letter_open_the_answer(app: Flask, reader, gp, number: str, way: str) -> None:
    decided(reader, number, **BIOPSY)
    for _ in range(2):
        assert gp.get(WAYS_TO_OPEN[way].format(number)).status_code == 200
    assert opener(app, number) == "Test Opener"
    assert actions(app).count("answer.read") == 1
    assert "nav-badge" not in gp.get("/help").text
    undo(reader, number)
    assert [taken_back for *_, taken_back in rows(app)] == [False], "what is read is not taken back"


def test_a_letter_for_the_dermatologist_opens_nothing(app: Flask, reader, number: str) -> None:
    decided(reader, number, **BIOPSY)
    assert reader.get(f"/media/letters/{number}.pdf").status_code == 200
    assert opener(app, number) is None
    assert actions(app)[-1] == "letter.made"


@pytest.mark.parametrize("change", [undo, amend])
def test_a_decision_that_changes_while_its_letter_is_drawn(
    app: Flask, reader, gp, number: str, monkeypatch, change
) -> None:
    decided(reader, number, **BIOPSY)

    def meanwhile(_page: str, _style: object) -> bytes:
        with ThreadPoolExecutor(1) as another_request:
            assert another_request.submit(change, reader, number).result().status_code == 302
        return b"%PDF-"

    monkeypatch.setattr(letter, "_drawn", meanwhile)
    assert gp.get(f"/media/letters/{number}.pdf").status_code == 409
    assert not {"letter.made", "answer.read"} & set(actions(app))


@pytest.mark.parametrize("form", [BIOPSY, RETAKE])
def test_a_decision_can_be_taken_back_until_the_gp_opens_it(app: Flask, reader, gp, number: str, form: dict) -> None:
    """Not until the case is closed: once opened, somebody may act on it."""
    decided(reader, number, **form)
    gp.get("/cases/")
    undo(reader, number)
    assert decide(reader, number, **form).status_code == 302
    assert [taken_back for *_, taken_back in rows(app)] == [True, False]
    gp.get(f"/cases/{number}")
    page = reader.get(f"/review/{number}").text
    assert f"/review/{number}/undo" not in page
    assert f"/review/{number}/amend" in page
    undo(reader, number)
    assert [taken_back for *_, taken_back in rows(app)] == [True, False]
    with stored_case(app, number) as case:
        assert case.state in (CaseState.REVIEWED, CaseState.RETAKE_REQUESTED), "it is not closed"


def test_nor_after_its_time(app: Flask, reader, number: str) -> None:
    decided(reader, number)
    later(app, app.extensions["settings"].undo_minutes + 0.1)
    assert f"/review/{number}/undo" not in reader.get(f"/review/{number}").text
    undo(reader, number)
    assert [taken_back for *_, taken_back in rows(app)] == [False]


def test_what_was_read_stays_read_when_an_amendment_is_taken_back(app: Flask, reader, gp, number: str) -> None:
    decided(reader, number)
    gp.get(f"/cases/{number}")
    amend(reader, number, **BIOPSY)
    assert "nav-badge" in gp.get("/help").text
    undo(reader, number)
    assert "nav-badge" not in gp.get("/help").text
    with stored_case(app, number) as case:
        assert (case.state, case.unread) == (CaseState.REVIEWED, False)


def test_only_an_opened_answer_is_closed(app: Flask, reader, gp, number: str) -> None:
    """The GP has read “benign”; while that page is open the decision becomes a biopsy."""
    decided(reader, number)
    token = gp.token(f"/cases/{number}")
    amend(reader, number, **BIOPSY)
    assert gp.post(f"/cases/{number}/close", data={"csrf_token": token}).status_code == 409
    with stored_case(app, number) as case:
        assert (case.state, case.unread) == (CaseState.REVIEWED, True)


def test_a_refused_image_does_not_show_a_request_that_is_not_opened(app: Flask, reader, gp, number: str) -> None:
    decided(reader, number, **RETAKE)
    refused = gp.submit(f"/cases/{number}/images", page="/cases/new")
    assert refused.status_code == 422
    assert not [part for part in SHOWN if part in refused.text]
    assert opener(app, number) is None
