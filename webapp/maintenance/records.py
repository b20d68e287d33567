"""Compares the rows with the seals in the audit trail: what was changed, removed or added behind the program's back."""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from typing import Any

from sqlalchemy import JSON, Connection, Table, Text, cast, select

from webapp.audit import trail
from webapp.audit.sealed import facts, is_sealed, parts_of
from webapp.audit.sealing import name_of, seal_row
from webapp.audit.words import record_in_words
from webapp.core import strict_json
from webapp.core.config import current_settings
from webapp.core.database import snapshot
from webapp.core.extensions import db
from webapp.maintenance import belonging

BATCH = 1000
Sealed = dict[str, tuple[str, int]]
"""Part → (seal, id of the event that has it)."""


class _Seals:
    """The latest seals of every row, in a temporary file: a trail has more of them than memory."""

    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file
        file.execute(
            "CREATE TABLE seal (row TEXT, part TEXT, seal TEXT, event INTEGER, PRIMARY KEY (row, part)) WITHOUT ROWID"
        )

    def note(self, event_id: int, seals: dict[str, dict[str, str] | None]) -> None:
        for row, parts in seals.items():
            if parts is None:
                self._file.execute("DELETE FROM seal WHERE row = ?", (row,))
            else:
                entries = [(row, part, seal, event_id) for part, seal in parts.items()]
                self._file.executemany("INSERT OR REPLACE INTO seal VALUES (?, ?, ?, ?)", entries)

    def take(self, row: str) -> Sealed:
        """Those of a row that exists; what nobody takes was removed."""
        found = self._file.execute("SELECT part, seal, event FROM seal WHERE row = ?", (row,)).fetchall()
        self._file.execute("DELETE FROM seal WHERE row = ?", (row,))
        return {part: (seal, event) for part, seal, event in found}

    def left(self) -> Iterator[tuple[str, int]]:
        yield from self._file.execute("SELECT row, max(event) FROM seal GROUP BY row ORDER BY max(event)")


def problems(expected: Collection[trail.Head] = ()) -> Iterator[str]:
    """In plain words, each row that is not as the program left it; first what is wrong with the trail itself."""
    with snapshot() as connection, closing(sqlite3.connect("")) as file:
        seals, found = _Seals(file), trail.Verification(trail.head_in(connection))
        for event in trail.walk(connection, found, expected):
            if event["seals"]:
                seals.note(event["id"], event["seals"])
        yield from found.breaks
        for table in db.metadata.sorted_tables:
            if is_sealed(table.name):
                yield from _changed(connection, table, seals)
        for row, event_id in seals.left():
            yield f"{_in_words(row)} was removed. Event {event_id} sealed it, and no event tells of its removal."


def _changed(connection: Connection, table: Table, seals: _Seals) -> Iterator[str]:
    as_text = [cast(column, Text).label(column.name) if _is_json(column) else column for column in table.columns]
    statement = select(*as_text).order_by(*table.primary_key).execution_options(yield_per=BATCH)
    key = current_settings().audit_key
    for stored in connection.execute(statement).mappings():
        name = name_of(table.name, tuple(stored[column.name] for column in table.primary_key))
        sealed = seals.take(name)
        try:
            row = {column.name: _plain(stored[column.name], _is_json(column)) for column in table.columns}
        except ValueError as error:
            yield f"{_in_words(name, connection)} was changed: {error}."
            continue
        if not sealed:
            yield f"{_in_words(name, connection)} was added: no event tells of it."
            continue
        for part, seal in seal_row(key, table, row).items():
            known, event_id = sealed.get(part, ("", 0))
            if seal != known and (known or facts(table.name, parts_of(table)[part], row)):
                since = f"since event {event_id} sealed it" if known else "and no event tells of it"
                yield f"{_in_words(name, connection)}: its {part} was changed {since}."


def _is_json(column: Any) -> bool:
    return isinstance(column.type, JSON)


def _plain(value: Any, is_json: bool) -> Any:
    return strict_json.loads(value) if is_json and value is not None else value


def _in_words(name: str, connection: Connection | None = None) -> str:
    """For example "Decision 12 (case DT-7K2M)"."""
    table_name, _, key = name.partition(":")
    words = f"{record_in_words(table_name)} {key}"
    table = db.metadata.tables.get(table_name)
    if connection is None or table is None or table not in belonging.tables():
        return words
    number = connection.scalar(belonging.number_of(table, key.split(",")))
    return f"{words} (case {number})" if number else words
