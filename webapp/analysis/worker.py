"""The worker command: Huey's consumer with process workers, and a scheduler that also sweeps.

Each second it sends analyses again that got lost, hands back cases whose reader's claim ran out, and queues a few old
images where a re-run is wanted; every few seconds it gives a sign of life, and every hour it writes the head of the
audit trail into the log, from where nobody can take it back.
"""

import logging
import os
import time
from collections.abc import Callable
from typing import Any

from flask import Flask
from huey.consumer import Consumer, Scheduler

from webapp.analysis import leases, reruns, workers
from webapp.database import dispose_inherited_connections, transaction
from webapp.extensions import db
from webapp.metrics.figures import share_figures
from webapp.metrics.server import serve
from webapp.review import claims
from webapp.upkeep import trail

log = logging.getLogger(__name__)

HEAD_SECONDS = 3600.0
NICENESS = 5
"""Where worker and web server share a machine that has too much to do, the queue grows and the pages stay fast."""


class SweepingScheduler(Scheduler):
    """Huey's scheduler process with the sweep beside it. It also shows the figures, since there is one of it."""

    _last_beat = -workers.BEAT_SECONDS
    _last_head = -HEAD_SECONDS

    def initialize(self) -> None:
        super().initialize()
        if self.huey.flask_app.extensions["settings"].metrics_bind:
            serve(self.huey.flask_app)

    def loop(self, now: Any = None) -> None:
        super().loop(now)
        self._try("sweep", _sweep)
        self._try("re-run", reruns.feed)
        if time.monotonic() >= self._last_beat + workers.BEAT_SECONDS:
            self._last_beat = time.monotonic()
            self._try("sign of life", lambda: workers.beat(self.huey.worker_name))
        if time.monotonic() >= self._last_head + HEAD_SECONDS:
            self._last_head = time.monotonic()
            self._try("audit head", trail.tell_head)

    def _try(self, name: str, step: Callable[[], object]) -> None:
        """One step in a transaction of its own: none can keep another from being done."""
        try:
            with self.huey.flask_app.app_context(), transaction():
                step()
        except Exception:  # database or broker away: next second
            log.warning("%s failed, trying again", name, exc_info=True)


def _sweep() -> None:
    count = leases.sweep()
    claims.release_expired()
    if count:
        log.info("sweep sends %d analyses again", count)


class SweepingConsumer(Consumer):
    scheduler_class = SweepingScheduler


def run_worker(app: Flask) -> None:
    """Work until SIGTERM or SIGINT; both let the running analysis finish."""
    os.nice(NICENESS)
    settings = app.extensions["settings"]
    queue = app.extensions["queue"]
    huey = queue.huey
    huey.flask_app, huey.worker_name = app, leases.new_owner()
    if settings.metrics_bind:
        share_figures()
    log.info("task %s is registered", queue.analyse.name)

    @huey.on_startup(name="own_connections")
    def own_connections() -> None:
        with app.app_context():
            dispose_inherited_connections(db.engine)
        note_model()

    model_is_noted = False

    @huey.post_execute(name="note_model")
    def note_model(*_task: object) -> None:
        """Once at the start, and after each task until a model that was missing then is found."""
        nonlocal model_is_noted
        if model_is_noted:
            return
        from webapp.analysis.runner import warm_up

        try:
            with app.app_context(), transaction():
                model_is_noted = warm_up(settings, huey.worker_name)
        except Exception:
            log.warning("the loaded model could not be recorded", exc_info=True)

    with app.app_context():
        dispose_inherited_connections(db.engine)
    SweepingConsumer(
        huey,
        workers=settings.worker_processes,
        worker_type="process",
        periodic=False,
        initial_delay=0.02,
        max_delay=0.05,
        backoff=1.2,
        health_check_interval=1,
        shutdown_timeout=settings.analysis_timeout_seconds,
        graceful_signal="TERM",
    ).run()
