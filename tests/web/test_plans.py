"""The busiest pages find their rows by index, however many there are, according to the database's query plans.

On a few thousand cases with statistics, a page that scans a whole table fails, however fast.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, event

from tests.load import volume
from tests.load.pages import PAGES, Page, Stage
from tests.load.people import make_people
from webapp.admin.operation import placing
from webapp.analysis import leases, workers
from webapp.core.database import transaction
from webapp.core.extensions import db
from webapp.review import claims
from webapp.triage import lift

CASES = 3000
BIG = {"case_file", "image", "analysis", "finding", "claim", "review", "outcome_receipt", "assessment"}
"""Not the audit trail: its newest rows are read from the end of the table."""
PARTIAL = ("ix_case_file_open", "ix_case_file_unread", "ix_analysis_queued", "ix_analysis_failed", "uq_claim_held")
"""Small indexes, which may be scanned."""
NEVER = " 0 = 1"
"""A condition that no row meets: nothing is read."""
WALKS = {
    "worklist": "ix_case_file_worklist",
    "worklist, far down": "ix_case_file_worklist",
    "worklist by waiting": "ix_case_file_waiting",
    "worklist by due date": "ix_case_file_open_urgency",
    "worklist by due date, far down": "ix_case_file_open_urgency",
    "worklist, search, reference": "ix_case_file_reference",
    "worklist, search, nothing": "ix_case_file_reversed",
    "worklist, person=1": "ix_case_file_open_person",
    "worklist, state=in_review": "ix_case_file_open_state",
    "worklist, overdue=1": "ix_case_file_open_urgency",
    "GP's list": "ix_case_file_centre",
    "GP's list, withdrawn": "ix_case_file_centre_state",
    "GP's list, to_read": "ix_case_file_unread",
    "search, number": "ix_case_file_centre_number",
    "search, reference": "ix_case_file_centre_reference",
    "search, nothing": "ix_case_file_centre_reversed",
    "case page, dermatologist": "ix_review_case_id",
    "audit log, rare action": "ix_audit_event_action",
    "audit log of a day": "ix_audit_event_moment",
    "audit log of a case": "ix_audit_event_subject",
}
BOUND_BY_PERIOD = ("dashboard", "threshold", "export")


@pytest.fixture
def stage(app: Flask) -> Stage:
    make_people(app)
    with app.app_context():
        volume.generate(CASES)
    return Stage(app)


@pytest.fixture
def plans(app: Flask) -> Iterator[list[str]]:
    """Every step of each statement's plan, as the statement is executed."""
    steps: list[str] = []

    def explain(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            look = _steps_of_sqlite if connection.dialect.name == "sqlite" else _steps_of_postgresql
            parameters = parameters[0] if isinstance(parameters, list) else parameters  # the same for many rows
            driver: Any = connection.connection.driver_connection
            steps.extend(f"{step}\n    {statement}" for step in look(driver.cursor(), statement, parameters))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", explain)
    yield steps
    event.remove(engine, "before_cursor_execute", explain)


def _steps_of_sqlite(cursor: Any, statement: str, parameters: Any) -> list[str]:
    return [row[-1] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()]


def _steps_of_postgresql(cursor: Any, statement: str, parameters: Any) -> list[str]:
    """In SQLite's terms: SEARCH for an index lookup, SCAN for reading all of it."""
    for choice in ("enable_seqscan", "enable_bitmapscan"):
        cursor.execute(f"SET LOCAL {choice} = off")  # otherwise small tables are read whole
    cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    (plan,) = cursor.fetchone()
    return [
        f"{_verb(node)} {node['Relation Name']} USING {node.get('Index Name')}"
        for node in _nodes(plan[0]["Plan"])
        if "Relation Name" in node and node["Node Type"] != "ModifyTable"
    ]


def _verb(node: dict[str, Any]) -> str:
    """WALK: from the newest row until a page is full."""
    if "Index Cond" in node:
        return "SEARCH"
    return "WALK" if node.get("Scan Direction") == "Backward" else "SCAN"


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def whole_tables(steps: list[str]) -> list[str]:
    """Steps that scan a whole big table. Aliases end with a number."""
    scans = [step for step in steps if step.startswith("SCAN ") and step.split()[1].rstrip("_0123456789") in BIG]
    return [scan for scan in scans if not any(name in scan for name in (*PARTIAL, NEVER))]


def test_no_page_goes_through_a_table(stage: Stage, plans: list[str]) -> None:
    everyday = [page for page in PAGES if not page.name.startswith(BOUND_BY_PERIOD)]
    assert len(everyday) > 30

    def visit(page: Page) -> None:
        assert page.visit(stage).status_code == page.status
        if page.afterwards:
            page.afterwards(stage)

    for page in everyday:
        visit(page)  # the test's own queries do not count
    found = {}
    for page in everyday:
        plans.clear()
        visit(page)
        if bad := whole_tables(plans):
            found[page.name] = bad
    assert not found


def test_what_the_worker_asks_every_second_goes_through_no_table(app: Flask, stage: Stage, plans: list[str]) -> None:
    def once() -> None:
        for step in (
            leases.sweep,
            claims.release_expired,
            lift.lift_past_due,
            placing.place_open_cases,
            lambda: workers.beat("test"),
        ):
            with app.app_context(), transaction():
                step()

    once()  # finds many waiting rows
    plans.clear()
    once()
    assert whole_tables(plans) == []


def test_the_lists_walk_along_their_indexes(stage: Stage, plans: list[str]) -> None:
    """Without its index a list would still be found through another one and sorted, slowly: so look for the index."""
    missing = {}
    for name, index in WALKS.items():
        (page,) = [one for one in PAGES if one.name == name]
        page.visit(stage)
        plans.clear()
        page.visit(stage)
        # PostgreSQL may prefer the index of all centres: both are ranges, and it knows the figures.
        alike = (index, index.replace("_centre_reference", "_reference").replace("_centre_reversed", "_reversed"))
        if not any(one in step for one in alike for step in plans):
            missing[name] = index
    assert not missing
