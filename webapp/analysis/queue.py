"""The messenger between web process and worker: Huey on SQLite, Redis or PostgreSQL, by the scheme of QUEUE_URL.

Huey delivers at most once, so a message is only a nudge: the Analysis row decides (see ``leases``), and the worker's
sweep resends what was lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from flask import Flask, current_app

from webapp.core.config import ConfigurationError, Settings, current_settings
from webapp.core.private import FOLDER, private_database
from webapp.models import Analysis, Urgency

if TYPE_CHECKING:
    from huey import Huey
    from huey.api import TaskWrapper

log = logging.getLogger(__name__)

URGENT, FRESH, RERUN, AFTERWARDS = 30, 20, 10, 5
KINDS = {
    "sqlite": "an SQLite file on this machine",
    "redis": "Redis",
    "rediss": "Redis",
    "postgresql": "PostgreSQL",
    "postgres": "PostgreSQL",
}


class Queue:
    """Huey with its one task, opened on first use so that the web process starts fast."""

    def __init__(self, app: Flask, settings: Settings) -> None:
        self._app, self._settings = app, settings
        self.handler: Callable[[int], None] = _no_handler
        """What a worker does with an analysis id, in an application context. A web process only sends."""

    @cached_property
    def huey(self) -> Huey:
        return _open(self._settings.queue_url)

    @cached_property
    def analyse(self) -> TaskWrapper:
        @self.huey.task(name="analyse", timeout=self._settings.analysis_timeout_seconds)
        def analyse(analysis_id: int) -> None:
            with self._app.app_context():
                self.handler(analysis_id)

        return analyse

    def send(self, analysis_id: int, priority: int, delay: float) -> None:
        """Nudge a worker. If the broker is down the user need not know: the sweep resends what stays queued."""
        try:
            if delay:
                self.analyse.schedule((analysis_id,), delay=delay, priority=priority)
            else:
                self.huey.enqueue(self.analyse.s(analysis_id, priority=priority))
        except Exception:  # any broker's own error
            log.warning("analysis %s could not be announced; the sweep will send it", analysis_id, exc_info=True)


def _no_handler(analysis_id: int) -> None:
    raise RuntimeError(f"analysis {analysis_id} came to a process that is no worker")


def init_app(app: Flask, settings: Settings) -> None:
    _check(settings.queue_url)
    app.extensions["queue"] = Queue(app, settings)


def send_all(messages: list[tuple[int, int]], delay: float = 0) -> None:
    """Nudge a worker for each (analysis id, priority), at once or after ``delay`` seconds."""
    queue: Queue = current_app.extensions["queue"]
    for analysis_id, priority in messages:
        queue.send(analysis_id, priority, delay)


def pending_count() -> int:
    """Number of messages not yet fetched by a worker."""
    return int(current_app.extensions["queue"].huey.pending_count())


def kind() -> str:
    """The kind of broker, in words."""
    return KINDS[_check(current_settings().queue_url)]


def _check(url: str) -> str:
    scheme = urlsplit(url).scheme
    if scheme not in KINDS:
        raise ConfigurationError(f"QUEUE_URL must begin with sqlite:, redis: or postgresql:, not {scheme!r}.")
    return scheme


def _open(url: str) -> Huey:
    from huey import PostgresHuey, PriorityRedisHuey, SqliteHuey

    scheme = _check(url)
    if scheme == "sqlite":
        path = Path(unquote(url.removeprefix("sqlite:///")))
        path.parent.mkdir(parents=True, exist_ok=True, mode=FOLDER)
        private_database(path)
        return SqliteHuey("dermtriage", filename=str(path), fsync=True, results=False)
    if scheme.startswith("redis"):
        return PriorityRedisHuey("dermtriage", url=url, results=False)
    return PostgresHuey("dermtriage", dsn=url, results=False)


def priority_of(analysis: Analysis) -> int:
    """Urgent cases first, then fresh uploads, then re-runs, and last what was missing when a case was decided."""
    if not analysis.image.case.is_open and not analysis.shadow:
        return AFTERWARDS
    if analysis.shadow:
        return RERUN
    return URGENT if analysis.image.case.urgency is Urgency.URGENT else FRESH
