"""Which rows belong to a case: found by following the foreign keys, so that a table added later cannot be forgotten."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, MetaData, Table, or_, select

from webapp.models import Base, Case

ROOT = Case.__tablename__


def tables(metadata: MetaData = Base.metadata) -> list[Table]:
    """The table of cases and every table that points to it, directly or through others; parents first."""
    found: list[Table] = []
    for table in metadata.sorted_tables:
        if table.name == ROOT or any(parent in found for parent in _parents(table)):
            found.append(table)
    return found


def _parents(table: Table) -> set[Table]:
    return {key.column.table for key in table.foreign_keys if key.column.table is not table}


def of_cases(table: Table, case_ids: Sequence[int]) -> ColumnElement[bool]:
    """The condition for rows of one of these tables to belong to one of the cases."""
    if table.name == ROOT:
        return table.c.id.in_(case_ids)
    known = tables(table.metadata)
    return or_(
        *(
            key.parent.in_(select(key.column).where(of_cases(key.column.table, case_ids)))
            for key in table.foreign_keys
            if key.column.table in known and key.column.table is not table
        )
    )
