"""Rows for any table in a database, made only from what the database says about it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Column, Connection, Enum, MetaData, Table, func, insert, select

from webapp.core.extensions import db

ROWS = 9
"""More than any list of choices, so that each choice occurs. Row n refers to row n of the parent table."""
LONG_AGO = datetime(2025, 1, 1, tzinfo=UTC)

VALUES: dict[type, Callable[[int], Any]] = {
    bool: lambda n: n % 2 == 0,
    int: lambda n: 1 + n % 6,  # within every column's checked range
    float: lambda n: n / 10,
    datetime: lambda n: LONG_AGO + timedelta(days=n),
    date: lambda n: (LONG_AGO + timedelta(days=n)).date(),
    bytes: lambda n: bytes([n]),
}


def tables(connection: Connection) -> list[Table]:
    """The program's tables as they are in the database, parents first."""
    metadata = MetaData()
    metadata.reflect(connection, only=lambda name, _: name in db.metadata.tables)
    return metadata.sorted_tables


def fill_empty(connection: Connection) -> None:
    """Fill each empty table with rows that have a value in every column."""
    for table in tables(connection):
        if not connection.scalar(select(func.count()).select_from(table)):
            parents = {column: _keys_of_parent(connection, column) for column in table.columns if column.foreign_keys}
            rows = [{c.name: _value(c, n, parents) for c in table.columns} for n in range(ROWS)]
            connection.execute(insert(table), rows)


def _keys_of_parent(connection: Connection, column: Column[Any]) -> list[Any]:
    (key,) = column.foreign_keys
    return list(connection.scalars(select(key.column).order_by(key.column)))


def _value(column: Column[Any], n: int, parents: dict[Column[Any], list[Any]]) -> Any:
    if column in parents:
        return parents[column][n] if parents[column] else None  # a table that refers to itself has no row yet
    if column.primary_key and column.type.python_type is int:
        return 1_000 + n
    known = db.metadata.tables[column.table.name].columns.get(column.name)
    if known is not None and isinstance(known.type, Enum) and not known.unique:
        return known.type.enums[n % len(known.type.enums)]
    if isinstance(column.type, JSON):
        return {"mel": n / 10}
    if column.type.python_type in VALUES:
        return VALUES[column.type.python_type](n)
    return f"{n} {column.name}"[: getattr(column.type, "length", None)]


def keys(connection: Connection) -> dict[str, set[Any]]:
    """Table → the primary keys of its rows."""
    return {
        table.name: {tuple(row) for row in connection.execute(select(*table.primary_key.columns))}
        for table in tables(connection)
    }
