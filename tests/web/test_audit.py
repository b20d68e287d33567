"""The audit trail: each action once, together with its change or not at all, and nothing about a patient."""

from unittest.mock import Mock

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import World
from tests.web.helpers import actions, image_ids, number_of, send, stored_case
from tests.web.reading import decide, put_back, take
from webapp.core.database import reading
from webapp.models import AuditEvent, Case, Role

PRIVATE = ("SECRET-REF-1", "Private history", "Private question", "Private advice", "Private reason", "1961")


def test_a_case_from_end_to_end(app: Flask, world: World, sign_in) -> None:
    gp, reader = sign_in(world.user(Role.GP)), sign_in(world.user(Role.DERMATOLOGIST))
    texts = {"history": "Private history", "clinical_question": "Private question"}
    number = number_of(send(gp, patient_reference="SECRET-REF-1", **texts))
    world.analyse(number, 0.9)
    reader.get(f"/media/images/{image_ids(app, number)[0]}")
    take(reader, number)
    put_back(reader, number)
    take(reader, number)
    decide(reader, number, advice="Private advice", override_reason="Private reason")
    gp.submit(f"/cases/{number}/close", page=f"/cases/{number}")
    assert actions(app) == [
        "case.submitted",
        "analysis.done",
        "image.viewed",
        "case.claimed",
        "case.released",
        "case.claimed",
        "case.decided",
        "answer.read",
        "case.closed",
    ]
    with app.app_context(), reading() as session:
        rows = [
            f"{event.action} {event.subject_type} {event.subject_id} {event.before} {event.after}"
            for event in session.scalars(select(AuditEvent))
        ]
    for word in PRIVATE:
        assert not any(word in row for row in rows), word


def test_who_did_what_to_which_case_and_what_changed(app: Flask, world: World, sign_in) -> None:
    email = world.user(Role.DERMATOLOGIST, name="Test Reader")
    number = world.case(world.user(Role.GP))
    reader = sign_in(email)
    take(reader, number)
    decide(reader, number, diagnosis="bcc", management="biopsy")
    with app.app_context(), reading() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "case.decided")).one()
        assert event.actor.name == "Test Reader"
        assert event.subject_type == "case_file"
        assert event.after == {"diagnosis": "bcc", "management": "biopsy"}
        assert session.get_one(Case, int(event.subject_id)).number == number


@pytest.mark.parametrize("act", [take, decide])
def test_without_its_audit_row_nothing_happens(app: Flask, world: World, sign_in, monkeypatch, act) -> None:
    number = world.case(world.user(Role.GP))
    world.analyse(number, 0.02)
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    if act is decide:
        take(reader, number)
    with stored_case(app, number) as case:
        before = (case.state, len(case.reviews), len(case.claims))
    app.config["PROPAGATE_EXCEPTIONS"] = False
    monkeypatch.setattr("webapp.audit.record", Mock(side_effect=RuntimeError("a bug")))
    assert act(reader, number).status_code == 500
    with stored_case(app, number) as case:
        assert (case.state, len(case.reviews), len(case.claims)) == before


def test_a_refused_action_leaves_no_row(app: Flask, world: World, sign_in) -> None:
    number = world.case(world.user(Role.GP))
    first, second = (sign_in(world.user(Role.DERMATOLOGIST)) for _ in range(2))
    take(first, number)
    before = actions(app)
    take(second, number)
    decide(second, number)
    put_back(second, number)
    decide(first, number, diagnosis="")
    assert actions(app) == before


def test_opening_a_case_is_noted_and_a_page_that_updates_itself_is_not(app: Flask, world: World, sign_in) -> None:
    number = world.case(world.user(Role.GP))
    gp, reader = (sign_in(world.user(role)) for role in (Role.GP, Role.DERMATOLOGIST))

    def views() -> int:
        return actions(app, ignore=()).count("case.viewed")

    gp.get(f"/cases/{number}")
    assert views() == 1
    for address in (f"/cases/{number}/status", "/cases/list", "/cases/"):
        assert gp.get(address).status_code == 200
    reader.get("/review/")
    assert views() == 1
    reader.get(f"/review/{number}")
    assert views() == 2
    take(reader, number)
    decide(reader, number)
    reader.get(f"/review/{number}/amend")
    assert views() == 3
