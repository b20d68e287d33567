"""A backup: a consistent snapshot of every table as JSON lines, and the encrypted objects that its rows name."""

import hashlib
import logging
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, select, text

from webapp.audit.trail import Head
from webapp.core.config import current_settings
from webapp.core.database import snapshot
from webapp.core.extensions import db
from webapp.maintenance import manifest, objects, rows
from webapp.maintenance.manifest import BackupError, Manifest
from webapp.models import AuditHead, utcnow
from webapp.storage.errors import StorageError
from webapp.storage.store import ImageStore, current_store, key_id_of

log = logging.getLogger(__name__)


def make(folder: Path) -> Manifest:
    """Write a backup into a new folder, which appears once it is complete. Raises BackupError."""
    if folder.exists():
        raise BackupError(f"{folder} already exists. Each backup needs its own folder.")
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}")
    draft.mkdir(parents=True, mode=0o700)
    try:
        with snapshot() as connection:
            made = _fill(draft, connection)
        made.write(draft, current_settings().audit_key)
        draft.rename(folder)
    except BaseException:
        shutil.rmtree(draft)
        raise
    log.info("backup made, audit head %s", made.audit_head)
    return made


def revision_of(connection: Connection) -> str:
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one())


def _fill(folder: Path, connection: Connection) -> Manifest:
    counts, files = {}, {}
    for table in db.metadata.sorted_tables:
        name = manifest.table_file(table.name)
        counts[table.name], files[name] = manifest.write(folder / name, rows.dump(connection, table))
    copied = _Objects(folder, current_store())
    count, files[manifest.OBJECT_LIST] = manifest.write(folder / manifest.OBJECT_LIST, copied.copy(connection))
    head = connection.execute(select(AuditHead.__table__)).mappings().one()
    return Manifest(
        revision=revision_of(connection),
        made_at=utcnow().isoformat(),
        rows=counts,
        objects=count,
        audit_head=str(Head(head["count"], head["digest"])),
        key_ids=sorted(copied.key_ids),
        files=files,
        missing=copied.missing,
    )


class _Objects:
    """Copies objects as they are in the store, encrypted, and notes which keys they need and which are missing."""

    def __init__(self, folder: Path, store: ImageStore) -> None:
        self.folder, self.store = folder, store
        self.key_ids: set[str] = set()
        self.missing: list[str] = []

    def copy(self, connection: Connection) -> Iterator[bytes]:
        """Lines of the object list, each as soon as its object is on disk."""
        for column in objects.columns():
            statement = objects.selection(column).execution_options(yield_per=objects.BATCH)
            for _id, key, _digest in connection.execute(statement):
                try:
                    data = self.store.blobs.read(key)
                    self.key_ids.add(key_id_of(key, data))
                except StorageError:
                    self.missing.append(key)
                    continue
                manifest.write(self.folder / manifest.object_file(key), [data])
                yield f"{hashlib.sha256(data).hexdigest()}  {manifest.object_file(key)}\n".encode()
