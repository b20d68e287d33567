"""The audit log page: every event in words, filtered by actor, action, case and day."""

import re
from datetime import UTC, datetime

import pytest
from flask import Flask

from tests.conftest import ROOT, World
from tests.web.helpers import counted_queries, heatmap_ids, image_ids, user_id, words
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp import audit
from webapp.admin import queries
from webapp.audit.words import ACTIONS, EventRow
from webapp.core.database import reading, transaction
from webapp.models import Case, Role, User

Row = tuple[str, str, str, str]


@pytest.fixture
def me(world: World) -> str:
    return world.user(Role.ADMIN, name="Test Admin")


@pytest.fixture
def admin(me: str, sign_in) -> CheckedClient:
    return sign_in(me)


def shown(client: CheckedClient, query: str = "") -> list[Row]:
    """(who, what, which, details) of each row, newest first."""
    answer = client.get(f"/admin/audit?{query}")
    assert answer.status_code == 200
    found = re.findall(
        r'<th scope="row">(.*?)</th><td data-label="Action">(.*?)</td><td data-label="Subject">(.*?)</td>'
        r'<td data-label="Details">(.*?)</td>',
        answer.text,
    )
    assert len(found) == answer.text.count("<tr><td data-label")
    return found


def whole_log(client: CheckedClient, query: str = "") -> list[Row]:
    seen, path = [], f"/admin/audit?{query}"
    while path:
        page = client.get(path).text
        seen += shown(client, path.split("?", 1)[1])
        older = re.search(r'<a href="([^"]+)">Older events', page)
        path = older.group(1).replace("&amp;", "&") if older else ""
    return seen


def note(app: Flask, number: int, email: str) -> None:
    """Record many events for one account."""
    with app.app_context(), transaction() as session:
        user = session.query(User).filter_by(email=email).one()
        for index in range(number):
            audit.record(user, "account.changed", user, before={"n": index}, after={"n": index + 1})


def test_who_did_what_to_which_case_and_what_changed(app: Flask, world: World, admin, sign_in) -> None:
    email = world.user(Role.DERMATOLOGIST, name="Test Reader")
    number = world.case(world.user(Role.GP, name="Test GP"))
    world.analyse(number, 0.9)
    reader = sign_in(email)
    take(reader, number)
    reader.get(f"/media/images/{image_ids(app, number)[0]}")
    decide(reader, number, diagnosis="bcc", management="biopsy")
    assert shown(admin)[:6] == [
        ("Test Reader", "Decision made", f"Case {number}", "diagnosis: bcc; management: biopsy"),
        ("Test Reader", "Image viewed", f"Image in {number}", "–"),
        ("Test Reader", "Case claimed", f"Case {number}", "–"),
        ("Test Reader", "Signed in", "Account: Test Reader", "–"),
        ("System", "Image analysed", f"Analysis of {number}", "needs person: no; bcc: yes"),
        ("Test GP", "Case sent", f"Case {number}", "images: 1; urgency: routine"),
    ]


def test_only_what_changed_is_told(app: Flask, world: World, admin: CheckedClient) -> None:
    email = world.user(Role.DERMATOLOGIST, name="Test Before")
    page = f"/admin/accounts/{user_id(app, email)}"
    admin.submit(page, {"name": "Test After", "role": "dermatologist", "centre_id": ""})
    assert shown(admin)[0] == (
        "Test Admin",
        "Account changed",
        "Account: Test After",
        "name: Test Before → Test After",
    )


def test_filters_by_actor_action_and_case(app: Flask, world: World, admin: CheckedClient, sign_in) -> None:
    gp = world.user(Role.GP, name="Test GP")
    first, second = world.case(gp), world.case(gp, images=2)
    world.analyse(first, 0.9)
    world.analyse(second, 0.9)
    reader = world.user(Role.DERMATOLOGIST, name="Test Reader")
    client = sign_in(reader)
    take(client, second)
    client.get(f"/media/images/{image_ids(app, second)[0]}/thumbnail")
    assert {row[0] for row in shown(admin, f"actor={user_id(app, reader)}")} == {"Test Reader"}
    assert {row[0] for row in shown(admin, "actor=system")} == {"System"}
    assert [row[2] for row in shown(admin, "action=case.submitted")] == [f"Case {second}", f"Case {first}"]
    of_second = shown(admin, f"case=+{second.lower()}+")
    assert [row[1] for row in of_second] == [
        "Thumbnail viewed",
        "Case claimed",
        "Image analysed",
        "Image analysed",
        "Case sent",
    ]
    assert len(shown(admin, f"case={second}&actor=system&action=analysis.done")) == 2


def test_filter_by_day(world: World, admin: CheckedClient, monkeypatch) -> None:
    with monkeypatch.context() as patch:
        gp = world.user(Role.GP)
        patch.setattr("webapp.audit.recording.utcnow", lambda: datetime(2026, 5, 2, 23, 59, tzinfo=UTC))
        world.case(gp)
    assert [row[1] for row in shown(admin, "day=2026-05-02")] == ["Case sent"]
    for other in ("2026-05-01", "2026-05-03"):
        assert "No events found" in admin.get(f"/admin/audit?day={other}").text


def test_every_event_exactly_once_page_by_page(app: Flask, world: World, me: str, admin: CheckedClient) -> None:
    email = world.user(Role.GP)
    note(app, 2 * queries.PAGE_SIZE + 7, email)
    changes = [row[3] for row in whole_log(admin, "action=account.changed")]
    assert changes == [f"n: {n} → {n + 1}" for n in reversed(range(2 * queries.PAGE_SIZE + 7))]
    page = admin.get("/admin/audit?action=account.changed&before=60").text
    assert '<a href="/admin/audit?action=account.changed">Newest' in page


@pytest.mark.parametrize(
    "query", ["actor=987654", "actor=x", "action=x", "day=x", "day=9999-12-31", f"case={'x' * 13}"]
)
def test_a_wrong_choice_is_explained(admin: CheckedClient, query: str) -> None:
    answer = admin.get(f"/admin/audit?{query}")
    assert answer.status_code == 422
    assert "There is a problem" in answer.text


@pytest.mark.parametrize("query", ["before=x", "before=-1", "before=99999999999999999999", "case=DT-NOSUCH1"])
def test_a_made_up_address_does_no_harm(admin: CheckedClient, query: str) -> None:
    assert admin.get(f"/admin/audit?{query}").status_code == 200


def test_a_case_that_is_gone_is_named_by_its_number_in_the_table(app: Flask, world: World, admin) -> None:
    world.user(Role.GP)
    with app.app_context(), transaction() as session:
        user = session.query(User).first()
        audit.record(user, "case.closed", Case(id=4711))
    assert shown(admin)[0][2] == "Case 4711"


def test_names_cannot_be_markup(world: World, admin: CheckedClient, sign_in) -> None:
    sign_in(world.user(Role.GP, name="Test <b>GP</b>"))
    assert "Test <b>GP</b>" not in admin.get("/admin/audit").text
    assert "Test <b>GP</b>".replace("<", "&lt;").replace(">", "&gt;") in words(admin.get("/admin/audit").text)


def test_the_number_of_queries_does_not_grow(app: Flask, world: World, me: str, admin: CheckedClient, sign_in) -> None:
    def queries_made() -> int:
        with counted_queries(app) as statements:
            shown(admin)
        return len(statements)

    gp = world.user(Role.GP)
    world.analyse(world.case(gp), 0.9)
    few = queries_made()
    for _ in range(4):
        number = world.case(gp, images=2)
        world.analyse(number, 0.9)
        take(sign_in(world.user(Role.DERMATOLOGIST)), number)
    assert queries_made() == few <= 10


def test_every_action_of_the_program_has_words() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "webapp").rglob("*.py"))
    noted = set(re.findall(r'audit\.record(?:_now_and_then)?\(\s*[^,]+,\s*"([\w.]+)"', source))
    assert len(noted) > 20
    by_itself = {"record.changed", "record.sealed"}
    assert noted | by_itself == set(ACTIONS)


def test_the_filter_by_a_case_finds_all_that_happened_to_it(app: Flask, world: World, sign_in) -> None:
    """Including events about its images, analyses, heatmaps and decisions."""
    email = world.user(Role.GP)
    gp, reader = sign_in(email), sign_in(world.user(Role.DERMATOLOGIST))
    number, other = world.case(email), world.case(email)
    for case in (number, other):
        world.analyse(case, 0.9)
        take(reader, case)
        decide(reader, case, diagnosis="bcc", management="biopsy")
    gp.get(f"/cases/{number}")
    gp.get(f"/media/images/{image_ids(app, number)[0]}")
    reader.get(f"/media/heatmaps/{heatmap_ids(app, number)[0]}")
    with app.app_context(), reading():
        every = queries.audit_events()
        names = queries.subject_names(every)
        found = queries.audit_events(case_number=number)
        of_it = [event for event in every if names[event.subject_type, event.subject_id] == number]
        assert [event.id for event in found] == [event.id for event in of_it]
        assert {"answer.read", "heatmap.viewed", "image.viewed", "analysis.done"} <= {event.action for event in found}
        (opened,) = [event for event in found if event.action == "answer.read"]
        assert EventRow(opened, names["review", opened.subject_id]).subject == f"Decision on {number}"
