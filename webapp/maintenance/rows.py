"""A table's rows as lines of JSON and back, in a form that both databases can read."""

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import JSON, Column, Connection, Table, insert, null, select

from webapp.core import strict_json

BATCH = 500


def dump(connection: Connection, table: Table) -> Iterator[bytes]:
    """One line per row, in the order of the primary key, so that a row comes after those it refers to."""
    statement = select(table).order_by(*table.primary_key).execution_options(yield_per=BATCH)
    for row in connection.execute(statement).mappings():
        facts = {column.name: row[column.name] for column in table.columns}
        yield json.dumps(facts, ensure_ascii=False, default=_plain).encode() + b"\n"


def load(connection: Connection, table: Table, lines: Iterable[bytes]) -> int:
    """Insert the rows of ``lines`` in portions; returns how many."""
    rows, count = (_row(table, strict_json.loads(line)) for line in lines), 0
    while portion := list(islice(rows, BATCH)):
        connection.execute(insert(table), portion)
        count += len(portion)
    return count


def _plain(value: object) -> object:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} has no form in a backup")


def _row(table: Table, facts: dict[str, Any]) -> dict[str, Any]:
    return {column.name: _value(column, facts[column.name]) for column in table.columns}


def _value(column: Column[Any], value: Any) -> Any:
    if isinstance(column.type, JSON):
        return null() if value is None and column.nullable else value
    kind: Any = getattr(column.type, "impl_instance", column.type).python_type
    if value is None or kind not in (datetime, date, bytes):
        return value
    return b64decode(value) if kind is bytes else kind.fromisoformat(value)
