"""What a backup says about itself: the schema revision, how many rows and objects, and the digest of every file."""

import hashlib
import hmac
import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from webapp.audit.chain import signature_of
from webapp.core import strict_json

FILE = "manifest.json"
OBJECT_LIST = "objects.txt"
"""A line "SHA-256, two spaces, name" for each object: the format of ``sha256sum --check``."""


class BackupError(Exception):
    """The backup cannot be written or restored; the message says why."""


@dataclass(frozen=True)
class Manifest:
    """``audit_head``: COUNT:DIGEST; ``key_ids``: names of the encryption keys that the objects need, never the keys;
    ``files``: name → SHA-256; ``missing``: objects that rows name and the store does not have; ``signature``: of all
    the rest, with AUDIT_KEY.
    """

    revision: str
    made_at: str
    rows: dict[str, int]
    objects: int
    audit_head: str
    key_ids: list[str]
    files: dict[str, str]
    missing: list[str]
    signature: str = ""

    def write(self, folder: Path, key: bytes) -> None:
        """Signed with ``key``, which no backup contains."""
        write(folder / FILE, [json.dumps({**asdict(self), "signature": self._signed(key)}, indent=1).encode()])

    def _signed(self, key: bytes) -> str:
        return signature_of(key, {**asdict(self), "signature": None})

    @classmethod
    def read(cls, folder: Path, key: bytes) -> "Manifest":
        """Raises BackupError, also if it was not signed with ``key`` as it is."""
        try:
            found = cls(**strict_json.loads((folder / FILE).read_bytes()))
            signature = found._signed(key)
        except (OSError, ValueError, TypeError):
            raise BackupError(f"{folder} does not contain a readable {FILE}, so it is not a complete backup.") from None
        if not found.signature:
            raise BackupError(
                f"{FILE} has no signature. An earlier version of the program made this backup: restore it with that."
            )
        if not hmac.compare_digest(signature, str(found.signature)):
            raise BackupError(
                f"The signature in {FILE} does not fit: AUDIT_KEY is not the key of the installation that made this "
                "backup, or somebody has changed the backup since."
            )
        return found


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
