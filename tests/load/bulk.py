"""Many rows at once: plain INSERT on SQLite, COPY on PostgreSQL, with foreign keys and indexes out of the way."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Table, func, inspect, select, text

from webapp.core.extensions import db
from webapp.core.orm import Base

Columns = Mapping[str, Sequence[Any]]
"""Column name → one value per row, as the driver expects it."""


def table_of(model: type[Base]) -> Table:
    table = model.__table__
    assert isinstance(table, Table)
    return table


@contextmanager
def bulk_load(tables: Sequence[Table]) -> Iterator[Connection]:
    """A connection for ``insert``; afterwards the indexes are rebuilt and the planner knows the new sizes."""
    inspector = inspect(db.engine)
    there = {found["name"] for table in tables for found in inspector.get_indexes(table.name)}
    indexes = [index for table in tables for index in table.indexes if not index.unique and index.name in there]
    sqlite = db.engine.dialect.name == "sqlite"
    with db.engine.connect() as connection:
        if sqlite:
            driver: Any = connection.connection.driver_connection
            for pragma in ("foreign_keys=OFF", "synchronous=OFF", "cache_size=-400000"):
                driver.execute(f"PRAGMA {pragma}")
        else:
            connection.execute(text("SET session_replication_role = replica"))  # no foreign keys: superusers only
            connection.execute(text("SET maintenance_work_mem = '512MB'"))
        for index in indexes:
            index.drop(connection)
        yield connection
        for index in indexes:
            index.create(connection)
        connection.commit()
    db.engine.dispose()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE" if sqlite else "VACUUM ANALYZE"))


def insert(connection: Connection, table: Table, columns: Columns) -> None:
    """Store rows given column by column; columns left out get their model's plain default."""
    count = len(next(iter(columns.values())))
    wanted = dict(columns)
    for column in table.columns:
        default = getattr(column.default, "arg", None)
        if column.name not in wanted and default is not None and not callable(default):
            wanted[column.name] = [default] * count
    names = ", ".join(f'"{name}"' for name in wanted)
    rows = zip(*wanted.values(), strict=True)
    driver: Any = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        places = ", ".join("?" * len(wanted))
        driver.executemany(f'INSERT INTO "{table.name}" ({names}) VALUES ({places})', rows)
        return
    with driver.cursor().copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
        for row in rows:
            copy.write_row(row)


def next_id(connection: Connection, table: Table) -> int:
    return (connection.scalar(select(func.max(table.c.id))) or 0) + 1


def set_sequences(connection: Connection, tables: Iterable[Table]) -> None:
    """PostgreSQL: rows that the program inserts later must not reuse these ids."""
    if connection.dialect.name == "sqlite":
        return
    for table in tables:
        if "id" in table.columns:
            value = next_id(connection, table)
            connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {value}, false)"))
