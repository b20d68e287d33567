"""Ciphertext in a folder of this machine: written atomically, flushed to disk before anything relies on it."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from webapp.storage.errors import StorageError, StoreAwayError, checked_key


class LocalFolder:
    def __init__(self, root: Path) -> None:
        self.root = root

    def _path(self, key: str) -> Path:
        return self.root / checked_key(key)[:2] / key

    def write(self, key: str, data: bytes) -> None:
        """Atomic: after a crash the object is complete or absent. Raises StoreAwayError, for example on a full disk."""
        try:
            self._write(self._path(key), data)
        except OSError as error:
            raise StoreAwayError(f"object {key} could not be written: {error.strerror or error}") from error

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
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            raise StorageError(f"object {key} is missing") from None

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def keys(self) -> Iterator[tuple[str, datetime]]:
        """Every object with the time it was written; unfinished drafts do not count."""
        for path in self.root.glob("??/[!.]*"):
            with suppress(FileNotFoundError):  # deleted after it was listed
                yield path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def space(self) -> tuple[int, int]:
        """Free and total bytes of the disk."""
        nearest = next(folder for folder in (self.root, *self.root.parents) if folder.exists())
        usage = shutil.disk_usage(nearest)
        return usage.free, usage.total


def _fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
