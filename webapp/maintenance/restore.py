"""Restoring a backup into an empty database of the same revision and an empty store: all of it or nothing."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from sqlalchemy import Connection, Table, delete, func, select, text

from webapp.core.config import current_settings
from webapp.core.database import transaction
from webapp.core.extensions import db
from webapp.maintenance import manifest, rows
from webapp.maintenance.backup import revision_of
from webapp.maintenance.manifest import BackupError, Manifest
from webapp.models import AuditHead
from webapp.storage.store import ImageStore, current_store


def put_back(folder: Path) -> Manifest:
    """Restore the backup in ``folder``. Raises BackupError, and then nothing has changed."""
    found = Manifest.read(folder, current_settings().audit_key)
    _check_files(folder, found)
    store = current_store()
    if unknown := set(found.key_ids) - set(store.ciphers):
        raise BackupError(f"The images need encryption keys that are not in IMAGE_KEYS: {', '.join(sorted(unknown))}.")
    with transaction() as session:
        connection = session.connection()
        _check_place(connection, found)
        _check_store(folder, store)
        try:
            _copy_objects(folder, store)
            for table in db.metadata.sorted_tables:
                _fill(connection, table, folder, found.rows[table.name])
        except BaseException:
            _remove_objects(folder, store)
            raise
    return found


def _check_files(folder: Path, found: Manifest) -> None:
    tables = {manifest.table_file(table.name) for table in db.metadata.sorted_tables}
    if found.files.keys() != tables | {manifest.OBJECT_LIST}:
        raise BackupError("The backup's tables do not match this version of the program.")
    for name, sha256 in found.files.items():
        manifest.check(folder, name, sha256)
    for sha256, name in _listed(folder):
        manifest.check(folder, name, sha256)


def _listed(folder: Path) -> Iterator[tuple[str, str]]:
    with (folder / manifest.OBJECT_LIST).open() as lines:
        for line in lines:
            sha256, _, name = line.rstrip("\n").partition("  ")
            yield sha256, name


def _keys(folder: Path) -> Iterator[str]:
    return (PurePosixPath(name).name for _sha256, name in _listed(folder))


def _check_place(connection: Connection, found: Manifest) -> None:
    if (here := revision_of(connection)) != found.revision:
        raise BackupError(f"The backup is of database revision {found.revision}; this database is at {here}.")
    for table in db.metadata.sorted_tables:
        if _holds_something(connection, table):
            raise BackupError(f"This database is not empty: there are rows in {table.name}. Restore into an empty one.")


def _holds_something(connection: Connection, table: Table) -> bool:
    column = AuditHead.__table__.c["count"]
    if table is column.table:  # the migration creates its single row
        return bool(connection.execute(select(column)).scalar())
    return connection.execute(select(func.count()).select_from(table)).scalar_one() > 0


def _check_store(folder: Path, store: ImageStore) -> None:
    """Objects of this very backup may already be there: a restore that was killed leaves them."""
    stored = store.keys()
    for key, _written in stored:
        if not (folder / manifest.object_file(key)).is_file():
            raise BackupError("The image store is not empty. Restore into an empty one.")


def _copy_objects(folder: Path, store: ImageStore) -> None:
    for key in _keys(folder):
        store.blobs.write(key, (folder / manifest.object_file(key)).read_bytes())


def _remove_objects(folder: Path, store: ImageStore) -> None:
    for key in _keys(folder):
        store.delete(key)


def _fill(connection: Connection, table: Table, folder: Path, expected: int) -> None:
    if table is AuditHead.__table__:
        connection.execute(delete(table))
    with (folder / manifest.table_file(table.name)).open("rb") as lines:
        try:
            count = rows.load(connection, table, lines)
        except ValueError as error:
            raise BackupError(f"{table.name}: {error}.") from None
    if count != expected:
        raise BackupError(f"{table.name}: the backup should contain {expected} rows but contains {count}.")
    if connection.dialect.name == "postgresql" and "id" in table.c and count:
        connection.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, 'id'), :last)"),
            {"table": table.name, "last": connection.execute(select(func.max(table.c.id))).scalar_one()},
        )
