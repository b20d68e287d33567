"""Ciphertext in a folder of this machine: written atomically, flushed to disk before anything relies on it.

A file marks the folder. Where it is missing, a disk is probably not mounted: nothing is written beneath it, and no
object counts as lost.
"""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from webapp.storage.errors import StorageError, StoreAwayError, checked_key

MARKER = ".dermtriage"
SCARCE_BYTES = 32 * 2**20
"""Less than this is a full disk: no room for one more image."""


class LocalFolder:
    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def marked(self) -> bool:
        return (self.root / MARKER).exists()

    def mark(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self.root / MARKER).touch()

    def _path(self, key: str) -> Path:
        return self.root / checked_key(key)[:2] / key

    def write(self, key: str, data: bytes) -> None:
        """Atomic: after a crash the object is complete or absent. Raises StoreAwayError, for example on a full disk."""
        self._demand_mark()
        with _plain_errors(f"object {key} could not be written"):
            self._write(self._path(key), data)

    def _demand_mark(self) -> None:
        if not self.marked:
            raise StoreAwayError(f"{self.root} is not the marked folder of this installation. Is its disk mounted?")

    def _write(self, path: Path, data: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        _fsync_folder(path.parent)

    def read(self, key: str) -> bytes:
        with _plain_errors(f"object {key} could not be read"):
            try:
                return self._path(key).read_bytes()
            except FileNotFoundError:
                self._demand_mark()
                raise StorageError(f"object {key} is missing") from None

    def delete(self, key: str) -> None:
        self._demand_mark()
        with _plain_errors(f"object {key} could not be removed"):
            self._path(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[tuple[str, datetime]]:
        """Every object with the time it was written; unfinished drafts do not count."""
        self._demand_mark()
        for path in self.root.glob("??/[!.]*"):
            with suppress(FileNotFoundError):  # deleted after it was listed
                yield path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def space(self) -> tuple[int, int]:
        """Free and total bytes of the disk."""
        nearest = next(folder for folder in (self.root, *self.root.parents) if folder.exists())
        usage = shutil.disk_usage(nearest)
        return usage.free, usage.total


@contextmanager
def _plain_errors(what: str) -> Iterator[None]:
    """What the disk itself says (EIO, ESTALE, EACCES, ENOSPC) is no fault of the object."""
    try:
        yield
    except OSError as error:
        raise StoreAwayError(f"{what}: {error.strerror or error}") from error


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
