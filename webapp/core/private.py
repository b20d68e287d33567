"""Files and folders that nobody but their owner can open."""

import os
from contextlib import suppress
from pathlib import Path

FILE, FOLDER = 0o600, 0o700


def keep_private(path: Path) -> None:
    """Take everybody else's permissions away; what belongs to another account is left to its owner."""
    with suppress(FileNotFoundError, PermissionError):
        mode = path.stat().st_mode
        if mode & 0o077:
            path.chmod(FOLDER if path.is_dir() else FILE)


def private_file(path: Path) -> None:
    """Make the file, empty, if there is none."""
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE))
    keep_private(path)


def private_database(path: Path) -> None:
    """An SQLite file, and what SQLite keeps beside it, which gets the same permissions when it is made."""
    private_file(path)
    for beside in ("-wal", "-shm", "-journal"):
        keep_private(path.with_name(path.name + beside))
