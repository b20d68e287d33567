"""Which release of the program the database was last brought up to date for.

Like Alembic's own, its table belongs to the schema: no model describes it, and no backup contains it.
"""

from sqlalchemy import Connection, String, column, delete, insert, inspect, select, table

from webapp.core.version import VERSION

TABLE = table("program_release", column("version", String))


def note(connection: Connection) -> None:
    """Called after each upgrade."""
    if inspect(connection).has_table(TABLE.name):
        connection.execute(delete(TABLE))
        connection.execute(insert(TABLE).values(version=VERSION))


def is_current(connection: Connection) -> bool:
    """Whether the database is of the release that this process runs."""
    return connection.scalar(select(TABLE.c.version)) in (None, VERSION)
