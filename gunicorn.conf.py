"""How gunicorn serves the application, on a laptop and across a region; ``gunicorn wsgi:app`` in this folder reads it.

docs/settings.md explains the variables.
"""

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

wsgi_app = "wsgi:app"
bind = os.environ.get("WEB_BIND") or "127.0.0.1:8000"


class TimedThreads(ThreadPoolExecutor):
    """Each thread knows how long its request has waited for it: see webapp/core/overload.py."""

    def submit(self, call: Callable[..., Any], /, *args: Any, **more: Any) -> Future[Any]:
        came = time.monotonic()

        def handle() -> Any:
            threading.current_thread().waited_seconds = time.monotonic() - came  # type: ignore[attr-defined]
            return call(*args, **more)

        return super().submit(handle)


def _reception() -> ModuleType:
    """Its file alone: the master must not import the application, or a HUP would not bring a new release."""
    spec = spec_from_file_location("reception", Path(__file__).parent / "webapp" / "core" / "reception.py")
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 - the file is there
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Worker(_reception().ReceivingWorker):  # type: ignore[misc]
    def get_thread_pool(self) -> TimedThreads:
        return TimedThreads(self.cfg.threads)


# Threads, because a request mostly waits: for the database, the store, or a slow upload.
worker_class = Worker
workers = int(os.environ.get("WEB_CONCURRENCY") or 2)
threads = int(os.environ.get("WEB_THREADS") or 8)

# Each process imports the application itself (under a second): a plain HUP then brings a new release, and neither
# database connections nor the object store's threads are carried through a fork.
preload_app = False

# A process that hangs in all its threads is killed after a minute; one that is asked to stop finishes its requests.
timeout = 60
graceful_timeout = 60
keepalive = 5

# Replace each process now and then, not all at once, so that no library's leak can grow for weeks.
max_requests = 5000
max_requests_jitter = 1000

# An address may contain a patient's reference from a search, so requests are not logged here.
accesslog = None
loglevel = "warning"
control_socket_disable = True  # signals are enough

# No header says under which path the application lies, nor, without TRUSTED_PROXIES, that TLS was used: gunicorn
# would believe SCRIPT_NAME and X-Forwarded-Proto of whoever connects from this machine.
forwarded_allow_ips = ""
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def on_starting(_server: object) -> None:
    """With METRICS_TOKEN, the processes of this master count in one folder."""
    if os.environ.get("METRICS_TOKEN") and not os.environ.get(METRICS_FOLDER):
        os.environ[METRICS_FOLDER] = tempfile.mkdtemp(prefix="dermtriage-metrics-")


def child_exit(_server: object, worker: Any) -> None:
    if os.environ.get(METRICS_FOLDER):
        from prometheus_client import multiprocess

        multiprocess.mark_process_dead(worker.pid)


def on_exit(_server: object) -> None:
    if os.environ.get("METRICS_TOKEN"):
        shutil.rmtree(os.environ.get(METRICS_FOLDER, ""), ignore_errors=True)
