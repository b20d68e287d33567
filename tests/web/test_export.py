"""The export: every case in scope once, correct labels, no spreadsheet formulas, no secrets."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select

from ml.patterns import Call
from tests.cards import found
from tests.conftest import World
from tests.web.helpers import actions, centre_id, change_case, counted_queries, image_ids, user_id, words
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp.admin.reports import queries
from webapp.admin.reports.columns import COLUMNS
from webapp.core.database import reading, transaction
from webapp.models import AuditEvent, Case, Role


def exported(client: CheckedClient, query: str = "") -> list[dict[str, str]]:
    answer = client.get(f"/admin/export.csv?{query}")
    assert answer.status_code == 200, answer.text
    assert answer.mimetype == "text/csv"
    text = answer.data.decode("utf-8-sig")
    assert text.startswith("case,centre,sent_at,")
    return list(csv.DictReader(io.StringIO(text)))


def numbers(rows: list[dict[str, str]]) -> list[str]:
    return [row["case"] for row in rows]


def test_a_decided_case_with_its_labels(app: Flask, world: World, gp: str, admin: CheckedClient, sign_in) -> None:
    number = world.case(gp, images=2, phototype=3, birth_year=1950)
    patterns = [found("AT", 0.9), found("U", 0.3), found("SW", 0.4, told_apart=False), found("PN", 0.01)]
    world.analyse(number, 0.42, findings=[found("BCC", 0.42), found("MEL", 0.05), found("SCC", 0.07), *patterns])
    reader = world.user(Role.DERMATOLOGIST)
    client = sign_in(reader)
    take(client, number)
    mark = {"image": image_ids(app, number)[0], "x": 0.5, "y": 0.5, "text": "Secret word"}
    labels = {"pattern_AT": "present", "pattern_PN": "cannot_tell", "marks": json.dumps([mark])}
    decide(client, number, diagnosis="bcc", management="biopsy", **labels)
    (row,) = exported(admin)
    shown = {name: text for name, text in row.items() if text and name not in ("sent_at", "decided_at")}
    assert shown == {
        "case": number,
        "centre": "Test Centre A",
        "state": "reviewed",
        "open": "0",
        "overdue": "0",
        "unread": "1",
        "urgency": "routine",
        "synthetic": "0",
        "birth_year": "1950",
        "phototype": "3",
        "body_site": "back",
        "images": "2",
        "model": "test-model@000000000000",
        "p_bcc": "0.42",
        "p_scc": "0.07",
        "p_mel": "0.05",
        "modality": "dermoscopic",
        "needs_person": "0",
        "other_cancer": "0",
        "contradiction": "0",
        "patterns": "U AT",
        "p_pn": "0.01",
        "p_u": "0.3",
        "p_sw": "0.4",
        "p_at": "0.9",
        "call_pn": "not seen",
        "call_u": "possible",
        "call_sw": "not told apart",
        "call_at": "likely",
        "decisions": "1",
        "reader": str(user_id(app, reader)),
        "diagnosis": "bcc",
        "management": "biopsy",
        "model_wrong": "0",
        "marks": "1",
        "label_at": "present",
        "label_pn": "cannot_tell",
    }
    assert datetime.fromisoformat(row["sent_at"]) <= datetime.fromisoformat(row["decided_at"])


def test_a_case_has_the_strongest_call_of_its_images(app: Flask, world: World, gp: str, admin: CheckedClient) -> None:
    number = world.case(gp, images=2)
    world.analyse(number, 0.4, findings=[found("BCC", 0.4), found("MEL", 0.0), found("SCC", 0.0), found("AT", 0.3)])
    with app.app_context(), transaction() as session:
        case = session.query(Case).filter_by(number=number).one()
        (second,) = [f for f in case.images[1].analyses[-1].findings if f.target == "AT"]
        second.call = Call.NOT_SEEN
    (row,) = exported(admin)
    assert row["call_at"] == "possible"


def test_a_case_without_any_answer(world: World, gp: str, admin: CheckedClient) -> None:
    world.case(gp)
    (row,) = exported(admin)
    assert (row["p_bcc"], row["model"], row["diagnosis"], row["decisions"]) == ("", "", "", "0")
    assert row["needs_person"] == "1"


def test_without_cases_there_are_the_columns_alone(admin: CheckedClient) -> None:
    assert exported(admin) == []


def test_every_column_is_explained(admin: CheckedClient) -> None:
    page = words(admin.get("/admin/export").text)
    assert len({column.name for column in COLUMNS}) == len(COLUMNS)
    for column in COLUMNS:
        assert f"{column.name} {column.meaning}".replace("'", "&#39;") in page


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_no_cell_is_a_formula(world: World, admin: CheckedClient, start: str) -> None:
    world.case(world.user(Role.GP, centre=f'{start},"quoted"'))
    (row,) = exported(admin)
    assert row["centre"] == f'\'{start},"quoted"'


def test_other_texts_stay_as_they_are(world: World, admin: CheckedClient) -> None:
    world.case(world.user(Role.GP, centre="Centro Ávila = 1, \n two"))
    (row,) = exported(admin)
    assert row["centre"] == "Centro Ávila = 1, \n two"


def test_what_must_not_leave_does_not(world: World, gp: str, admin: CheckedClient, sign_in) -> None:
    number = world.case(gp, patient_reference="SECRET-REF", history="Private history", clinical_question="Private q")
    reader = sign_in(world.user(Role.DERMATOLOGIST, name="Test Reader Name"))
    take(reader, number)
    decide(reader, number, diagnosis="bcc", management="reassure", advice="Private advice", override_reason="Private r")
    text = str(exported(admin))
    assert number in text
    for secret in ("SECRET-REF", "Private", "Test Reader Name", "@test.example"):
        assert secret not in text


def test_the_scope_is_days_and_centre(app: Flask, world: World, gp: str, admin: CheckedClient) -> None:
    other = world.user(Role.GP, centre="Test Centre B")
    first, second, third = (world.case(who) for who in (gp, gp, other))
    for number, day in ((first, 1), (second, 2), (third, 3)):
        change_case(app, number, submitted_at=datetime(2026, 5, day, 23, 59, 59, tzinfo=UTC))
    assert numbers(exported(admin)) == [first, second, third]
    assert numbers(exported(admin, "first=2026-05-02")) == [second, third]
    assert numbers(exported(admin, "last=2026-05-02")) == [first, second]
    assert numbers(exported(admin, "first=2026-05-02&last=2026-05-02&centre_id=")) == [second]
    assert numbers(exported(admin, f"centre_id={centre_id(app, 'Test Centre B')}")) == [third]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("first=yesterday", "Not a valid date value."),
        ("first=2026-05-02&last=2026-05-01", "The end date is before the start date."),
        ("last=9999-12-31", "Enter a date from 2000 onwards."),
        ("first=0001-01-01", "Enter a date from 2000 onwards."),
        ("centre_id=987654", "Not a valid choice"),
    ],
)
def test_a_wrong_scope_is_explained_and_exports_nothing(
    app: Flask, admin: CheckedClient, query: str, message: str
) -> None:
    answer = admin.get(f"/admin/export.csv?{query}")
    assert answer.status_code == 422
    assert message in answer.text
    assert actions(app) == []


def test_each_export_is_noted_with_its_scope(app: Flask, world: World, gp: str, admin: CheckedClient) -> None:
    world.case(gp)
    exported(admin, "first=2026-01-01")
    with app.app_context(), reading() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "cases.exported")).one()
        assert event.after == {"cases": 1, "from": "2026-01-01T00:00:00+00:00", "before": None, "centre": None}
        assert event.actor_id == int(event.subject_id)


def test_it_comes_in_portions_of_a_bounded_size(app: Flask, world: World, gp: str, admin, monkeypatch) -> None:
    monkeypatch.setattr(queries, "PORTION", 2)
    sent = [world.case(gp) for _ in range(5)]
    assert numbers(exported(admin)) == sent
    monkeypatch.setattr(queries, "PORTION", 200)
    with counted_queries(app) as few:
        exported(admin)
    for _ in range(5):
        world.analyse(world.case(gp, images=2), 0.9)
    with counted_queries(app) as more:
        exported(admin)
    assert len(more) <= len(few) + 1  # findings are queried only if there are any
