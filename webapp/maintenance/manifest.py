"""What a backup says about itself: the schema revision, how many rows and objects, and the digest of every file."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = "manifest.json"
OBJECT_LIST = "objects.txt"
"""A line "SHA-256, two spaces, name" for each object: the format of ``sha256sum --check``."""


class BackupError(Exception):
    """The backup cannot be written or restored; the message says why."""


@dataclass(frozen=True)
class Manifest:
    """``audit_head``: COUNT:DIGEST; ``key_ids``: names of the encryption keys that the objects need, never the keys;
    ``files``: name → SHA-256; ``missing``: objects that rows name and the store does not have.
    """

    revision: str
    made_at: str
    rows: dict[str, int]
    objects: int
    audit_head: str
    key_ids: list[str]
    files: dict[str, str]
    missing: list[str]

    def write(self, folder: Path) -> None:
        write(folder / FILE, [json.dumps(asdict(self), indent=1).encode()])

    @classmethod
    def read(cls, folder: Path) -> "Manifest":
        """Raises BackupError."""
        try:
            return cls(**json.loads((folder / FILE).read_bytes()))
        except (OSError, ValueError, TypeError):
            raise BackupError(f"{folder} does not contain a readable {FILE}, so it is not a complete backup.") from None


def table_file(name: str) -> str:
    return f"tables/{name}.jsonl"


def object_file(key: str) -> str:
    return f"objects/{key[:2]}/{key}"


def write(file: Path, parts: Iterable[bytes]) -> tuple[int, str]:
    """Write a new private file and flush it to disk. Returns how many parts it has, and its SHA-256."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    digest, count = hashlib.sha256(), 0
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        for part in parts:
            stream.write(part)
            digest.update(part)
            count += 1
        stream.flush()
        os.fsync(stream.fileno())
    return count, digest.hexdigest()


def check(folder: Path, name: str, sha256: str) -> None:
    """Raises BackupError unless the file is there and has this digest."""
    try:
        with (folder / name).open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError:
        raise BackupError(f"{name} is missing from the backup.") from None
    if found != sha256:
        raise BackupError(f"{name} differs from the file that was backed up (wrong SHA-256).")
