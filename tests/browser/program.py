"""The real program, started and stopped as a user would: ``python app.py`` and Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.patience import PATIENCE, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """Web server and worker on a free port, writing everything to one folder or to the given servers."""

    def __init__(self, folder: Path, *options: str, **settings: str) -> None:
        """``options`` of app.py; ``settings``: environment variables, such as the servers to use."""
        self._options = options
        self.instance = folder / "instance"
        self.settings = {"INSTANCE_DIR": str(self.instance), "HTTPS": "0", "SECOND_FACTOR": "0", **settings}
        self.log = folder / "program.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        return kept | self.settings | {"PYTHONUNBUFFERED": "1"}

    def start(self) -> float:
        """Returns the number of seconds until the program responded."""
        began = time.monotonic()
        command = [sys.executable, "app.py", "--port", str(self.port), *self._options]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        wait_until(self._answers)
        return time.monotonic() - began

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"the program ended at once:\n{self.log.read_text()}"
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=PATIENCE) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def stop(self) -> int:
        """Ctrl-C; returns the exit status. A process that does not end by itself is an error, and is killed."""
        assert self._process is not None
        family = self.family()
        self._process.send_signal(signal.SIGINT)
        try:
            status = self._process.wait(PATIENCE)
            wait_until(lambda: not alive(family))  # Python's helper processes end a moment later
            return status
        finally:
            for pid in alive(family):
                os.kill(pid, signal.SIGKILL)
            self._process.wait()

    def family(self) -> list[int]:
        """The program and everything it has started, parents first."""
        assert self._process is not None
        return [self._process.pid, *descendants(self._process.pid)]

    @contextmanager
    def without_worker(self) -> Iterator[None]:
        """Within the block the worker is stopped: uploads stay in the queue."""
        main = self._worker()
        os.kill(main, signal.SIGSTOP)  # first, so that it starts no new process
        pids = [main, *descendants(main)]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)

    def _worker(self) -> int:
        assert self._process is not None
        commands = {pid: command for pid, _parent, command in _processes()}
        return next(pid for pid in descendants(self._process.pid) if commands[pid].endswith("wsgi worker"))

    def flask(self, *arguments: str) -> str:
        """What a ``flask --app wsgi …`` command prints."""
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def alive(pids: list[int]) -> list[int]:
    """Those still running; a zombie is not."""
    running = {pid for pid, _parent, state in _processes() if not state.startswith("Z")}
    return [pid for pid in pids if pid in running]


def _processes() -> list[tuple[int, int, str]]:
    """(pid, parent, state and command line) of every process on the machine."""
    if Path("/proc/self/stat").exists():  # ps is not on every Linux machine
        return [entry for folder in Path("/proc").glob("[0-9]*") if (entry := _from_proc(folder))]
    listed = subprocess.run(["ps", "-Aww", "-o", "pid=,ppid=,state=,args="], capture_output=True, text=True, check=True)
    parts = [line.split(maxsplit=2) for line in listed.stdout.splitlines()]
    return [(int(pid), int(parent), rest.rstrip()) for pid, parent, rest in parts]


def _from_proc(folder: Path) -> tuple[int, int, str] | None:
    try:
        state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        command = (folder / "cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return None  # it ended while we looked
    return int(folder.name), int(parent), f"{state} {command}"


def descendants(pid: int) -> list[int]:
    processes = _processes()
    found, fresh = [], [pid]
    while fresh:
        fresh = [child for child, parent, _command in processes if parent in fresh]
        found += fresh
    return found
