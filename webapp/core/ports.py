"""Whether a port is free, and who has it."""

import os
import socket
from pathlib import Path

LISTENING = "0A"
PROC = Path("/proc")


def is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def holder(port: int) -> str | None:
    """For example "process 4711 (python -m gunicorn)"; None if this system or its owner does not let us see."""
    inodes = {f"socket:[{inode}]" for inode in _listening(port)}
    found = [pid for pid in _pids() if inodes & _open_files(pid)]
    return f"process {min(found)} ({_command(min(found))})" if found else None


def _listening(port: int) -> list[str]:
    """Inodes of the sockets that listen on this port."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in _text(PROC / "net" / name).splitlines()[1:]]
    return [line[9] for line in lines if line[3] == LISTENING and int(line[1].rsplit(":", 1)[1], 16) == port]


def _pids() -> list[int]:
    return [int(entry.name) for entry in PROC.iterdir() if entry.name.isdecimal()] if PROC.is_dir() else []


def _open_files(pid: int) -> set[str]:
    found = set()
    try:
        for descriptor in (PROC / str(pid) / "fd").iterdir():
            found.add(os.readlink(descriptor))  # noqa: PTH115 - not a path: "socket:[123]"
    except OSError:  # it has ended, or belongs to somebody else
        pass
    return found


def _command(pid: int) -> str:
    words = _text(PROC / str(pid) / "cmdline").split("\0")
    return " ".join([Path(words[0]).name, *words[1:4]]).strip()


def _text(file: Path) -> str:
    try:
        return file.read_text(errors="replace")
    except OSError:
        return ""
