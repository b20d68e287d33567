"""Unread is per person: a colleague who opens an answer does not silence it for whoever sent the case."""

import re

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from tests.conftest import World
from tests.web.helpers import actions, change_case, standing, stored_case, words
from tests.web.reading import decide, take
from tests.web.test_changes import amend, undo
from tests.web.test_pressing_answers import FIRST, answered, order
from tests.web_client import CheckedClient
from webapp.core.database import transaction
from webapp.core.extensions import db
from webapp.models import Role, User

BIOPSY = {"diagnosis": "bcc", "management": "biopsy"}
OWN = "Answers to your cases"


@pytest.fixture
def sender(gp: str, sign_in) -> CheckedClient:
    return sign_in(gp)


@pytest.fixture
def colleague(world: World, sign_in) -> CheckedClient:
    return sign_in(world.user(Role.GP, name="Test Locum"))


def badge(client: CheckedClient) -> str:
    found = re.search(r'nav-badge">\s*(\d+)', client.get("/help").text)
    return found.group(1) if found else ""


def to_read(client: CheckedClient) -> list[str]:
    return order(client.get("/cases/?only=to_read").text)


@pytest.mark.control("H5.2")
def test_who_covers_does_not_silence_the_sender(world: World, gp: str, sender, colleague, reader) -> None:
    number = answered(world, gp, reader, **BIOPSY)
    assert (badge(sender), badge(colleague)) == ("1", "1")
    colleague.get(f"/cases/{number}")
    assert (badge(sender), badge(colleague)) == ("1", "")
    assert (to_read(sender), to_read(colleague)) == ([number], [])
    page = words(sender.get("/cases/").text)
    assert FIRST in page
    assert "Opened by Test Locum" in page
    assert "Basal cell carcinoma" not in page, "nobody takes it for read"
    assert "Basal cell carcinoma" in words(colleague.get("/cases/").text)
    sender.get(f"/cases/{number}")
    assert (badge(sender), to_read(sender)) == ("", [])
    assert "First opened by Test Locum" in words(reader.get(f"/review/{number}").text)


def test_closed_by_a_colleague_it_is_still_unread_for_the_sender_alone(
    world: World, gp: str, sender, colleague, reader, sign_in
) -> None:
    third = sign_in(world.user(Role.GP))
    number = answered(world, gp, reader, **BIOPSY)
    colleague.get(f"/cases/{number}")
    assert to_read(third) == [number]
    assert colleague.submit(f"/cases/{number}/close", page=f"/cases/{number}").status_code == 302
    assert (to_read(sender), to_read(third)) == ([number], [])
    assert FIRST in sender.get("/cases/").text, "it still presses"
    sender.get(f"/cases/{number}")
    assert to_read(sender) == []


def test_only_who_has_opened_the_answer_closes_the_case(world: World, gp: str, sender, colleague, reader) -> None:
    number = answered(world, gp, reader)
    colleague.get(f"/cases/{number}")
    assert sender.submit(f"/cases/{number}/close", page="/cases/new").status_code == 409


def test_ones_own_cases_come_first(world: World, gp: str, sender, colleague, reader) -> None:
    other = world.user(Role.GP)
    pressing, calm = answered(world, gp, reader, **BIOPSY), answered(world, gp, reader)
    theirs, theirs_calm = answered(world, other, reader, **BIOPSY), answered(world, other, reader)
    for address in ("/cases/", "/cases/list"):
        page = sender.get(address).text
        assert order(page) == [pressing, theirs, calm, theirs_calm], address
        assert page.index(FIRST) < page.index(OWN)
    assert order(colleague.get("/cases/").text) == [theirs, pressing, theirs_calm, calm]
    assert OWN not in colleague.get("/cases/").text


def test_what_nobody_has_opened_waits_for_whoever_joins_the_centre(world: World, gp: str, reader, sign_in) -> None:
    number = answered(world, gp, reader, **BIOPSY)
    newcomer = sign_in(world.user(Role.GP))
    assert (badge(newcomer), to_read(newcomer)) == ("1", [number])
    elsewhere = sign_in(world.user(Role.GP, centre="Test Centre B"))
    assert (badge(elsewhere), to_read(elsewhere)) == ("", [])


def test_a_row_of_another_centre_tells_nothing(app: Flask, world: World, gp: str, colleague, reader, sender) -> None:
    """A GP who moves centre takes no unread answers along."""
    number = answered(world, gp, reader)
    colleague.get(f"/cases/{number}")
    moved = world.centre("Test Centre B")
    with app.app_context(), transaction() as session:
        session.query(User).filter_by(email=gp).one().centre_id = moved
    assert (badge(sender), to_read(sender)) == ("", [])


def test_a_changed_answer_is_unread_again_for_everybody(
    app: Flask, world: World, gp: str, sender, colleague, reader
) -> None:
    number = answered(world, gp, reader)
    colleague.get(f"/cases/{number}")
    assert amend(reader, number, **BIOPSY).status_code == 302
    assert (badge(sender), badge(colleague)) == ("1", "1")
    undo(reader, number)
    assert (badge(sender), badge(colleague)) == ("1", ""), "as before: the sender has opened neither"
    sender.get(f"/cases/{number}")
    assert badge(sender) == ""
    assert actions(app).count("answer.read") == 2, "once for each who opened it"


def test_a_disabled_account_is_not_kept_waiting(app: Flask, world: World, gp: str, colleague, reader) -> None:
    gone = world.user(Role.GP, active=False)
    number = answered(world, gp, reader)
    colleague.get(f"/cases/{number}")
    with stored_case(app, number) as case:
        waiting = [db.session.get_one(User, row.user_id).email for row in case.unread_by]
    assert (waiting, gone in waiting) == ([gp], False)


def test_the_migration_keeps_who_opened_first(app: Flask, world: World, gp: str, sender, colleague, reader) -> None:
    number = answered(world, gp, reader)
    for client in (colleague, sender):
        client.get(f"/cases/{number}")
    with app.app_context():
        downgrade(revision="0019_withdrawal_reason")
        assert db.session.execute(text("SELECT count(*) FROM outcome_receipt")).scalar() == 1
        db.session.rollback()
        upgrade()
    with stored_case(app, number) as case:
        assert [receipt.user.name for receipt in standing(case).receipts] == ["Test Locum"]
        assert (case.unread, case.unread_by) == (False, [])


def test_a_request_for_images_waits_for_everybody_until_it_is_answered(
    app: Flask, world: World, gp: str, sender, colleague, reader
) -> None:
    number = world.case(gp)
    take(reader, number)
    decide(reader, number, diagnosis="uncertain", management="retake", advice="Closer, please.")
    colleague.get(f"/cases/{number}")
    assert (badge(sender), badge(colleague)) == ("1", "1")
    change_case(app, number, state="withdrawn", is_open=False)
    assert (badge(sender), badge(colleague)) == ("", "")
