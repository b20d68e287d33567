"""Sealing rows as they are, for a migration that changes what stored rows say."""

from sqlalchemy import Connection, MetaData, select

from webapp.audit.recording import extend
from webapp.audit.sealed import is_sealed
from webapp.audit.sealing import name_of, seal_row
from webapp.core.config import current_settings
from webapp.core.extensions import db
from webapp.core.orm import utcnow

BATCH = 1000


def seal_rows(connection: Connection, *tables: str) -> None:
    """Seal every row of these tables, by default of all that are sealed, as the database knows them now."""
    key, known = current_settings().audit_key, MetaData()
    wanted = set(tables) or {name for name in db.metadata.tables if is_sealed(name)}
    known.reflect(connection, only=lambda name, _: name in wanted)
    for table in known.sorted_tables:
        if table.name not in wanted:  # reflected because one of them refers to it
            continue
        rows = connection.execute(select(table).order_by(*table.primary_key)).mappings()
        while portion := rows.fetchmany(BATCH):
            names = (name_of(table.name, tuple(row[column.name] for column in table.primary_key)) for row in portion)
            event = {
                "at": utcnow(),
                "actor_id": None,
                "action": "record.sealed",
                "subject_type": table.name,
                "subject_id": "",
                "before": None,
                "after": {"rows": len(portion)},
                "seals": {name: seal_row(key, table, row) for name, row in zip(names, portion, strict=True)},
            }
            extend(connection, key, [event])
