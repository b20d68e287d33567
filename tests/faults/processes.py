"""Real worker processes for tests: started as in production, stopped cleanly or killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from flask import Flask

from tests import patience
from tests.conftest import ROOT
from webapp.core.config import settings_of
from webapp.core.database import reading


def worker_environment(app: Flask) -> dict[str, str]:
    settings = settings_of(app)
    return {
        **os.environ,
        "INSTANCE_DIR": str(settings.instance_dir),
        "DATABASE_URL": settings.database_url,
        "QUEUE_URL": settings.queue_url,
        "STORAGE_URL": settings.storage_url,
        "HTTPS": "0",
        "ANALYSIS_LEASE_SECONDS": str(settings.analysis_lease_seconds),
        "ANALYSIS_TIMEOUT_SECONDS": str(settings.analysis_timeout_seconds),
        "ANALYSIS_ATTEMPTS": str(settings.analysis_attempts),
    }


@contextmanager
def worker(app: Flask) -> Iterator[subprocess.Popen[bytes]]:
    """The real worker command in its own process group."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker"]
    process = subprocess.Popen(command, cwd=ROOT, env=worker_environment(app), start_new_session=True)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(patience.PATIENCE) == 0, "the worker did not stop in order"


def kill(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the worker and all its children at once, as the kernel does when memory runs out."""
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def wait_until(app: Flask, happened: Callable[[], bool]) -> None:
    """Poll the database until it has happened."""

    def seen() -> bool:
        with app.app_context(), reading():
            return happened()

    patience.wait_until(seen)
