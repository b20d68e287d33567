"""Cases and labels as CSV (RFC 4180), streamed in short transactions, safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from flask import Flask

from webapp import audit
from webapp.admin.reports import queries
from webapp.admin.reports.columns import COLUMNS, Cell
from webapp.core.database import reading
from webapp.models import User

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel does not recognise UTF-8."""


@dataclass(frozen=True)
class Scope:
    """Cases sent from ``begin`` (inclusive) to ``end`` (exclusive), of one centre or all."""

    begin: datetime | None = None
    end: datetime | None = None
    centre_id: int | None = None


def begin(app: Flask, user: User, scope: Scope) -> Iterator[str]:
    """Record in the audit trail what is exported, and return its text in pieces, to be sent afterwards."""
    after = {
        "cases": queries.count_in(scope.begin, scope.end, scope.centre_id),
        "from": scope.begin.isoformat() if scope.begin else None,
        "before": scope.end.isoformat() if scope.end else None,
        "centre": scope.centre_id,
    }
    audit.record(user, "cases.exported", user, after=after)
    return _stream(app, scope)


def _stream(app: Flask, scope: Scope) -> Iterator[str]:
    yield BYTE_ORDER_MARK + _lines([[column.name for column in COLUMNS]])
    last = 0
    while True:
        with app.app_context(), reading():  # no transaction stays open while the browser takes its time
            portion = queries.portion_in(scope.begin, scope.end, scope.centre_id, after=last)
            text = _lines([[_cell(column.value(case)) for column in COLUMNS] for case in portion])
            last = portion[-1].id if portion else last
        if not text:
            return
        yield text


def _cell(value: Cell) -> Cell:
    """Puts an apostrophe before text that a spreadsheet would calculate (OWASP, CSV injection)."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value


def _lines(rows: Iterable[Iterable[Cell]]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()
