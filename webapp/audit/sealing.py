"""Seals: whatever a transaction writes to a sealed row is repeated by its last audit event, as keyed digests.

This is the one place that does it, before each commit: no caller has to think of it, and a change that leaves no event
of its own leaves one that names the command, or the page, it came from.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import click
from flask import has_request_context, request
from sqlalchemy import Column, Connection, Table, event, select, tuple_
from sqlalchemy.orm import Mapper, ORMExecuteState, Session, object_mapper
from sqlalchemy.orm.attributes import instance_state

from webapp.audit.chain import seal_of
from webapp.audit.sealed import facts, is_sealed, part_of, parts_of
from webapp.core.config import current_settings
from webapp.core.extensions import db

MARKS = "rows_to_seal"
"""Where a session keeps (table, primary key) → which parts were written; None: the row was deleted."""
AT_ONCE = 500
UNCHANGED = {"seals": False}
"""Execution option of an UPDATE that changes nothing a seal covers, although it sets a column that one does."""

Key = tuple[Any, ...]
Marks = dict[tuple[Table, Key], set[str] | None]
Seals = dict[str, dict[str, str] | None]


def name_of(table: str, key: Key) -> str:
    """How the trail names a row: "review:12"."""
    return f"{table}:{','.join(str(part) for part in key)}"


@event.listens_for(db.session, "after_flush")
def _mark_flushed(session: Session, _context: object) -> None:
    for row in session.new:
        _mark(session, object_mapper(row), row, None)
    for row in session.dirty:
        if written := _written(object_mapper(row), row):
            _mark(session, object_mapper(row), row, written)
    for row in session.deleted:
        mapper = object_mapper(row)
        if is_sealed(_table(mapper).name):
            _marks(session)[_table(mapper), tuple(mapper.primary_key_from_instance(row))] = None


@event.listens_for(db.session, "do_orm_execute")
def _mark_statement(state: ORMExecuteState) -> None:
    """An UPDATE or DELETE that goes past the session's own rows."""
    if not (state.is_update or state.is_delete) or state.execution_options.get("seals") is False:
        return
    statement: Any = state.statement
    table = statement.table
    if not is_sealed(table.name):
        return
    written = {
        part for column in getattr(statement, "_values", None) or {} if (part := part_of(table.name, column.name))
    }
    if state.is_update and not written:
        return
    found = select(*table.primary_key).select_from(table).where(*statement._where_criteria)
    for key in state.session.connection().execute(found).all():
        if state.is_delete:
            _marks(state.session)[table, tuple(key)] = None
        else:
            _add(state.session, table, tuple(key), written)


def forget(session: Session) -> None:
    """The transaction failed."""
    session.info.pop(MARKS, None)


def taken(session: Session) -> Seals:
    """The seals of everything marked, as the database has it now; the marks are used up."""
    marks: Marks = session.info.pop(MARKS, {})
    by_table: dict[Table, dict[Key, set[str] | None]] = {}
    for (table, key), parts in marks.items():
        by_table.setdefault(table, {})[key] = parts
    audit_key, seals = current_settings().audit_key, Seals()
    for table, rows in by_table.items():
        there = dict(seals_of(session.connection(), audit_key, table, list(rows)))
        for key, parts in rows.items():
            if parts is None and key not in there:
                seals[name_of(table.name, key)] = None
            elif parts is not None and key in there:
                seals[name_of(table.name, key)] = {part: there[key][part] for part in parts if part in there[key]}
    return seals


def seals_of(
    connection: Connection, audit_key: bytes, table: Table, keys: list[Key]
) -> Iterator[tuple[Key, dict[str, str]]]:
    """(primary key, part → seal) of these rows."""
    columns = list(table.primary_key)
    for start in range(0, len(keys), AT_ONCE):
        portion = keys[start : start + AT_ONCE]
        chosen = columns[0].in_([key[0] for key in portion]) if len(columns) == 1 else tuple_(*columns).in_(portion)
        for row in connection.execute(select(table).where(chosen)).mappings():
            yield tuple(row[column.name] for column in columns), seal_row(audit_key, table, row)


def seal_row(audit_key: bytes, table: Table, row: Any) -> dict[str, str]:
    """Part → seal."""
    name = name_of(table.name, tuple(row[column.name] for column in table.primary_key))
    return {
        part: seal_of(audit_key, name, part, facts(table.name, columns, row)) for part, columns in _parts(table).items()
    }


def event_of_its_own(seals: Seals) -> dict[str, Any]:
    """For a change that nobody recorded: which row, which parts of it or how many others, and where it comes from."""
    first, *others = seals
    table, _, key = first.partition(":")
    after = {"by": _cause(), "changed": ", ".join(sorted(seals[first] or {})) or "removed"}
    if others:
        after["other rows"] = str(len(others))
    return {"actor_id": None, "action": "record.changed", "subject_type": table, "subject_id": key, "after": after}


def _cause() -> str:
    """A page, a command, or the program itself."""
    command = click.get_current_context(silent=True)
    if has_request_context():
        return request.endpoint or request.method
    return (command and command.command_path.partition(" ")[2]) or "program"


@cache
def _parts(table: Table) -> dict[str, list[Column[Any]]]:
    return parts_of(table)


@cache
def _attributes(mapper: Mapper[Any]) -> dict[str, str]:
    """Attribute → the part that its column belongs to."""
    table = _table(mapper)
    named = {mapper.get_property_by_column(column).key: part_of(table.name, column.name) for column in table.columns}
    return {attribute: part for attribute, part in named.items() if part is not None}


def _table(mapper: Mapper[Any]) -> Table:
    table = mapper.local_table
    assert isinstance(table, Table)  # noqa: S101 - for the type checker
    return table


def _written(mapper: Mapper[Any], row: object) -> set[str]:
    if not is_sealed(_table(mapper).name):
        return set()
    attributes = instance_state(row).attrs
    return {part for name, part in _attributes(mapper).items() if attributes[name].history.has_changes()}


def _mark(session: Session, mapper: Mapper[Any], row: object, parts: set[str] | None) -> None:
    """``parts`` None: all of them."""
    table = _table(mapper)
    if is_sealed(table.name):
        _add(session, table, tuple(mapper.primary_key_from_instance(row)), parts or set(_parts(table)))


def _add(session: Session, table: Table, key: Key, parts: set[str]) -> None:
    known = _marks(session).get((table, key))
    _marks(session)[table, key] = parts | (known or set())


def _marks(session: Session) -> Marks:
    marks: Marks = session.info.setdefault(MARKS, {})
    return marks
