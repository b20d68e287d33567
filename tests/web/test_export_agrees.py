"""The export agrees with the lists: what a filter shows is what its columns say."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from tests.cards import found
from tests.conftest import World
from tests.web.helpers import centre_id, change_case, words
from tests.web.reading import decide, put_back, take
from tests.web.test_corrections import void
from tests.web.test_export import exported
from tests.web.test_filters import listed, targets
from tests.web.test_follow import listed as gps_list
from tests.web_client import CheckedClient
from webapp.cases import queries
from webapp.cases.queries import ListFilter
from webapp.models import Role, Urgency, utcnow
from webapp.review import worklist_queries
from webapp.review.filters import FilterForm
from webapp.triage.rank import Section

Row = dict[str, str]
Holds = Callable[[Row], bool]
NO_COUNTERPART = {"order", "mine", "q"}
"""An order is no filter; who has claimed a case and patients' references are not exported."""
OF_WORKLIST: dict[str, tuple[str, Holds]] = {
    "person": ("1", lambda row: row["needs_person"] == "1"),
    "overdue": ("1", lambda row: row["overdue"] == "1"),
    "other_cancer": ("1", lambda row: row["other_cancer"] == "1"),
    "contradiction": ("1", lambda row: row["contradiction"] == "1"),
    "urgency": ("soon", lambda row: row["urgency"] == "soon"),
    "state": ("awaiting_review", lambda row: row["state"] == "awaiting_review"),
    "pattern": ("AT", lambda row: "AT" in row["patterns"].split()),
    "centre": ("Test Centre B", lambda row: row["centre"] == "Test Centre B"),
}
OF_GP_LIST: dict[ListFilter, Holds] = {
    ListFilter.TO_READ: lambda row: row["unread"] == "1",
    ListFilter.ANALYSING: lambda row: row["state"] == "submitted",
    ListFilter.WAITING: lambda row: row["state"] in ("awaiting_review", "in_review"),
    ListFilter.RETAKE: lambda row: row["state"] == "retake_requested",
    ListFilter.ANSWERED: lambda row: row["state"] in ("reviewed", "closed"),
    ListFilter.WITHDRAWN: lambda row: row["state"] == "withdrawn",
    ListFilter.VOID: lambda row: row["state"] == "voided",
}


@pytest.fixture
def region(app: Flask, world: World, gp: str, reader: CheckedClient, sign_in) -> None:
    """Cases of every kind that a filter knows, some of them decided, re-opened, closed, withdrawn and void."""
    elsewhere = world.user(Role.GP, centre="Test Centre B")
    for who in (gp, elsewhere):
        for probability, changes in (
            (0.9, {"findings": targets(0.9, "AT")}),
            (0.9, {"findings": targets(0.9, "PN")}),
            (0.02, {"findings": targets(0.02, "AT")}),
            (0.02, {"findings": [found("BCC", 0.02), found("MEL", 0.9), found("SCC", 0.0)]}),
            (None, {}),
            (0.1, {"needs_person": True}),
            (0.1, {"findings": [found("BCC", 0.1)]}),
        ):
            for decision in (None, {"diagnosis": "bcc", "management": "biopsy"}, {"management": "retake"}):
                number = world.case(who, urgency=Urgency.SOON if decision is None else Urgency.ROUTINE)
                world.analyse(number, probability, **changes)
                if decision is not None:
                    take(reader, number)
                    typed = {"advice": "In focus, please.", "override_reason": "A test."}
                    assert decide(reader, number, **{**decision, **typed}).status_code == 302
        world.case(who, images=2)
        number = world.case(who)
        sign_in(who).submit(f"/cases/{number}/withdraw", {"reason": "A test."}, page=f"/cases/{number}")
        take(reader, number := world.case(who))
        assert decide(reader, number).status_code == 302
        assert void(sign_in(who), number).status_code == 302  # by whoever reads the list: to others it would be news
        change_case(app, world.case(who), waiting_since=utcnow() - timedelta(days=400))
    take(reader, number := world.case(gp))
    put_back(reader, number)


@pytest.mark.usefixtures("region")
def test_every_filter_shows_what_the_columns_say(
    app: Flask, world: World, gp: str, reader: CheckedClient, admin: CheckedClient, sign_in, monkeypatch
) -> None:
    for module in (worklist_queries, queries):
        monkeypatch.setattr(module, "PAGE_SIZE", 1000)
    rows = exported(admin)
    open_rows = [row for row in rows if row["open"] == "1"]
    assert {row["case"] for row in open_rows} == set(listed(reader))
    for name, (value, holds) in OF_WORKLIST.items():
        wanted = {row["case"] for row in open_rows if holds(row)}
        asked = centre_id(app, value) if name == "centre" else value
        assert set(listed(reader, **{name: asked})) == wanted, name
        assert 0 < len(wanted) < len(open_rows), f"{name}: a filter that selects nothing or all tests nothing"
    own = [row for row in rows if row["centre"] == "Test Centre A"]
    at_work = sign_in(gp)
    for choice, holds in OF_GP_LIST.items():
        wanted = {row["case"] for row in own if holds(row)}
        assert set(gps_list(at_work.get(f"/cases/?only={choice}").text)) == wanted, choice
        assert wanted, choice


@pytest.mark.usefixtures("region")
def test_the_sections_have_the_cases_the_column_says(reader: CheckedClient, admin: CheckedClient) -> None:
    rows, page = exported(admin), words(reader.get("/review/").text)
    for section in Section:
        named = [row for row in rows if row["section"] == section.name.lower()]
        assert f"{section.label} {len(named)} " in page, section
    assert all((row["section"] == "") is (row["open"] == "0") for row in rows)


def test_no_filter_is_forgotten() -> None:
    with_a_counterpart = {name for name in vars(FilterForm) if hasattr(getattr(FilterForm, name), "field_class")}
    assert set(OF_WORKLIST) == with_a_counterpart - NO_COUNTERPART
    assert set(OF_GP_LIST) == set(ListFilter)


def test_a_decided_case_can_need_a_person_without_being_in_the_worklist(
    world: World, gp: str, reader: CheckedClient, admin: CheckedClient
) -> None:
    """As it was once counted: 98 in the export, 15 in the list."""
    number = world.case(gp)
    take(reader, number)
    decide(reader, number, diagnosis="bcc", management="biopsy")
    (row,) = exported(admin)
    assert (row["needs_person"], row["open"], row["section"]) == ("1", "0", "")
    assert listed(reader, person=1) == []
