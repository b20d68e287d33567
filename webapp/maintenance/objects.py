"""Which objects of the image store the rows name: found by a mark on the column, so that none can be forgotten."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import Column, Select, Table, select

from webapp.core.database import reading
from webapp.core.extensions import db

BATCH = 500


@dataclass(frozen=True)
class Named:
    """What a row says about one object; ``sha256`` of its plain content, if the row has it."""

    column: Column[str]
    row_id: int
    key: str
    sha256: str | None

    def __str__(self) -> str:
        return f"{self.column.table.name} {self.row_id}, {self.column.name}"


def columns() -> list[Column[str]]:
    return [column for table in db.metadata.sorted_tables for column in table.columns if column.info.get("object")]


def all_named() -> Iterator[Named]:
    """Every object that a row names, in portions, each read in a short transaction."""
    for column in columns():
        last = 0
        while portion := _portion(column, last):
            yield from portion
            last = portion[-1].row_id


def _portion(column: Column[str], last: int) -> list[Named]:
    table = table_of(column)
    with reading() as session:
        rows = session.execute(selection(column).where(table.c.id > last).order_by(table.c.id).limit(BATCH))
        return [Named(column, *row) for row in rows]


def selection(column: Column[str]) -> Select[int, str, str | None]:
    """(id, key, SHA-256 or NULL) of the rows that name an object in this column."""
    table = table_of(column)
    digest = table.c[column.info["sha256"]] if "sha256" in column.info else db.null()
    return select(table.c.id, column, digest).where(column.is_not(None))


def is_named(named: Named) -> bool:
    """Whether the row still says so: it may have been erased since it was read."""
    with reading() as session:
        statement = select(named.column).where(table_of(named.column).c.id == named.row_id)
        return bool(session.scalar(statement) == named.key)


def named_among(keys: Collection[str]) -> set[str]:
    """The keys that some row names."""
    found: set[str] = set()
    with reading() as session:
        for column in columns():
            found.update(session.scalars(select(column).where(column.in_(keys))))
    return found


def table_of(column: Column[str]) -> Table:
    table = column.table
    assert isinstance(table, Table)  # noqa: S101 - for the type checker
    return table
