"""The hot pages find their rows by indexes, however many there are: what the database says of each statement's plan.

A few thousand cases with statistics; a page that goes through a whole table fails, at any speed.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, event, text

from tests.load import volume
from tests.load.pages import PAGES, Page, Stage
from tests.load.people import make_people
from webapp.analysis import leases, workers
from webapp.database import transaction
from webapp.extensions import db
from webapp.review import claims

CASES = 3000
BIG = {"case_file", "image", "analysis", "finding", "claim", "review", "outcome_receipt", "assessment", "opinion"}
BIG |= {"opinion_request"}
"""Not the audit trail: its newest rows are taken from the end of the table."""
PARTIAL = ("ix_case_file_open", "ix_case_file_unread", "ix_analysis_queued", "ix_analysis_failed", "uq_claim_held")
"""Indexes of few rows, which may be gone through."""
BOUND_BY_PERIOD = ("dashboard", "threshold", "export")


@pytest.fixture
def stage(app: Flask) -> Stage:
    make_people(app)
    with app.app_context():
        volume.generate(CASES)
    return Stage(app)


Plans = Callable[[Callable[[], object]], list[str]]


@pytest.fixture
def scans(app: Flask) -> Iterator[Plans]:
    """Given a call: which of its statements go through a whole big table, and how."""
    found: list[str] = []

    def explain(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            look = _scans_of_sqlite if connection.dialect.name == "sqlite" else _scans_of_postgresql
            cursor = connection.connection.driver_connection.cursor()
            found.extend(f"{scan}: {statement}" for scan in look(cursor, statement, parameters))

    def during(call: Callable[[], object]) -> list[str]:
        found.clear()
        call()
        return list(found)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", explain)
    yield during
    event.remove(engine, "before_cursor_execute", explain)


def _scans_of_sqlite(cursor: Any, statement: str, parameters: Any) -> list[str]:
    plan = [row[-1] for row in cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()]
    return [step for step in plan if step.startswith("SCAN ") and _is_big(step.split()[1]) and not _partial(step)]


def _scans_of_postgresql(cursor: Any, statement: str, parameters: Any) -> list[str]:
    cursor.execute("SET LOCAL enable_seqscan = off")  # small tables are read whole where nothing forbids it
    cursor.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
    (plan,) = cursor.fetchone()
    nodes = [node for node in _nodes(plan[0]["Plan"]) if _goes_through(node)]
    return [f"{node['Node Type']} on {node['Relation Name']}" for node in nodes]


def _nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from _nodes(child)


def _goes_through(node: dict[str, Any]) -> bool:
    if not _is_big(node.get("Relation Name", "")) or node["Node Type"] == "Bitmap Heap Scan":
        return False
    return "Index Cond" not in node and not _partial(node.get("Index Name", ""))


def _partial(step: str) -> bool:
    return any(name in step for name in PARTIAL)


def _is_big(table: str) -> bool:
    """Aliases end with a number."""
    return table.rstrip("_0123456789") in BIG


def test_no_page_goes_through_a_table(stage: Stage, scans: Plans) -> None:
    everyday = [page for page in PAGES if not page.name.startswith(BOUND_BY_PERIOD)]
    assert len(everyday) > 30

    def visit(page: Page) -> None:
        assert page.visit(stage).status_code == page.status
        if page.afterwards:
            page.afterwards(stage)

    for page in everyday:
        visit(page)  # what the measurement itself looks for is not the page's
    found = {page.name: bad for page in everyday if (bad := scans(lambda page=page: visit(page)))}
    assert not found


def test_what_the_worker_asks_every_second_goes_through_no_table(app: Flask, stage: Stage, scans: Plans) -> None:
    def once() -> None:
        for step in (leases.sweep, claims.release_expired, lambda: workers.beat("test")):
            with app.app_context(), transaction():
                step()

    once()  # finds much that was left waiting
    assert scans(once) == []


@pytest.mark.parametrize(
    ("index", "page"),
    [
        ("ix_case_file_worklist", "worklist"),
        ("ix_case_file_open_person", "worklist, person=1"),
        ("ix_claim_case_id", "worklist"),
        ("ix_review_reviewer", "my decisions, far back"),
        ("ix_case_file_centre_state", "GP's list, withdrawn"),
    ],
)
def test_a_lost_index_is_noticed(app: Flask, stage: Stage, scans: Plans, index: str, page: str) -> None:
    """The measure itself: without its index a page's plan is another one."""
    (chosen,) = [one for one in PAGES if one.name == page]
    chosen.visit(stage)
    with app.app_context(), transaction() as session:
        session.execute(text(f"DROP INDEX {index}"))
    try:
        assert scans(lambda: chosen.visit(stage)), "the plan stays the same without the index"
    finally:
        with app.app_context(), transaction() as session:
            made = {one.name: one for table in db.metadata.sorted_tables for one in table.indexes}[index]
            made.create(session.connection())
