"""``python app.py``: web server and worker together on one machine, with embedded defaults.

``--demo`` adds a demonstration centre with three accounts and a dozen synthetic cases. Ctrl-C stops everything.
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from webapp.core import parent, ports

ROOT = Path(__file__).resolve().parent
QUICK_DEATH_SECONDS = 5
STOP_SECONDS = 20


@dataclass
class Service:
    """A child process that is restarted when it dies, unless it dies at once."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    started: float = 0.0

    def start(self) -> None:
        self.started = time.monotonic()
        # A session of its own: Ctrl-C reaches this program only, which then stops its children in order.
        ending = parent.in_child(signal.SIGTERM)  # if this program is killed instead, they stop all the same
        self.process = subprocess.Popen(self.command, cwd=ROOT, start_new_session=True, preexec_fn=ending)  # noqa: S603

    def died(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def died_at_once(self) -> bool:
        return time.monotonic() - self.started < QUICK_DEATH_SECONDS

    def ask_to_stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)

    def wait(self) -> None:
        if self.process is not None:
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()


def main() -> int:
    options = _options()
    os.environ.setdefault("HTTPS", "0")  # plain http on this machine only
    os.environ.setdefault("TRUSTED_HOSTS", ",".join(("localhost", "127.0.0.1", options.host, socket.gethostname())))
    if options.demo:
        os.environ.setdefault("SECOND_FACTOR", "0")  # its passwords change at each start, its cases are synthetic
    os.environ.setdefault("LOG_FORMAT", "text")
    os.environ.setdefault("LOG_LEVEL", "warning")
    os.environ.setdefault("WEB_CONCURRENCY", "1")  # one person at a time, and half the memory
    if not ports.is_free(options.host, options.port):
        by = ports.holder(options.port) or "another program"
        print(f"Port {options.port} is in use by {by}. Stop it, or choose another port with --port.", file=sys.stderr)
        return 1
    _prepare(demo=options.demo, address=f"http://{options.host}:{options.port}")
    return _supervise(_services(options))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="DermTriage on one machine: web server and worker.")
    parser.add_argument("--demo", action="store_true", help="demonstration accounts and synthetic cases")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=8000)
    return parser.parse_args()


def _prepare(*, demo: bool, address: str) -> None:
    """Bring the database up to date; in the demonstration, print who can sign in."""
    from flask_migrate import upgrade

    from webapp import create_app

    app = create_app()
    with app.app_context():
        upgrade()
    if not demo:
        print(
            f"\nDermTriage: {address}\nFirst start? Create an administrator: flask --app wsgi create-admin\n",
            flush=True,
        )
        return
    from webapp.demo import prepare

    print("\nPreparing the demonstration…", flush=True)
    accounts = prepare(app)
    print(f"\nDermTriage demonstration: {address}\nEvery image is synthetic. Passwords are new at each start:\n")
    for role, email, password in accounts:
        print(f"  {role.label:<14} {email:<28} {password}")
    print("\nPress Ctrl-C to stop.\n", flush=True)


def _services(options: argparse.Namespace) -> list[Service]:
    bind = f"{options.host}:{options.port}"
    return [
        Service("web server", [sys.executable, "-m", "gunicorn", "--bind", bind]),  # the rest: gunicorn.conf.py
        Service("worker", [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]),
    ]


def _supervise(services: list[Service]) -> int:
    """Run until asked to stop, or until a service cannot be kept alive. Returns the exit status."""
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    for service in services:
        service.start()
    status = 0
    while not stopping:
        for service in services:
            if service.died():
                print(f"The {service.name} stopped unexpectedly.", file=sys.stderr, flush=True)
                stopping, status = (True, 1) if service.died_at_once() else (stopping, status)
                if not stopping:
                    service.start()
        time.sleep(0.1)
    for service in services:
        service.ask_to_stop()
    for service in services:
        service.wait()
    print("Stopped." if status == 0 else "Stopped: see the messages above.", flush=True)
    return status


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
