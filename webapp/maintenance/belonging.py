"""Which rows belong to a case: found by following the foreign keys, so that a table added later cannot be forgotten."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, ForeignKey, FromClause, MetaData, Select, Table, or_, select

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


def number_of(table: Table, key: Sequence[str]) -> Select[str]:
    """The number of the case that the row with this primary key belongs to."""
    joined: FromClause = table
    here = table
    while here.name != ROOT:
        up = min((each for each in here.foreign_keys if each.column.table in _parents(here)), key=_detour)
        joined = joined.join(up.column.table, up.parent == up.column)
        here = up.column.table
    row = (column == column.type.python_type(part) for column, part in zip(table.primary_key, key, strict=True))
    return select(here.c.number).select_from(joined).where(*row)


def _detour(key: ForeignKey) -> tuple[bool, bool, bool, str]:
    to = key.column.table
    return to.name != ROOT, to not in tables(to.metadata), bool(key.parent.nullable), key.parent.name
