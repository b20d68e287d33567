"""The worker command: Huey's consumer with process workers, and a scheduler that also sweeps.

About once a second it sends analyses again that got lost, and queues a few old images where a re-run was asked for;
every few seconds it gives a sign of life. The chores of other rooms are handed to it: see `webapp.cli`.
"""

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask
from huey.consumer import Consumer, Scheduler

from webapp.analysis import leases, reruns, workers
from webapp.core.config import settings_of
from webapp.core.database import dispose_inherited_connections, transaction
from webapp.core.extensions import db
from webapp.metrics.figures import share_figures
from webapp.metrics.server import serve

log = logging.getLogger(__name__)

NICENESS = 5
"""Where worker and web server share a machine that has too much to do, the queue grows and the pages stay fast."""


@dataclass(frozen=True)
class Chore:
    """What is done again and again beside the analyses, each time in a transaction of its own."""

    name: str
    step: Callable[[], object]
    every_seconds: float = 0.0
    """0: about once a second."""


class SweepingScheduler(Scheduler):
    """Huey's scheduler process, which also does the chores. It shows the figures, too, since there is one of it."""

    def initialize(self) -> None:
        super().initialize()
        self._due: dict[str, float] = {}
        if settings_of(self.huey.flask_app).metrics_bind:
            serve(self.huey.flask_app)

    def loop(self, now: Any = None) -> None:
        super().loop(now)
        for chore in self.huey.chores:
            if time.monotonic() >= self._due.get(chore.name, 0.0):
                self._due[chore.name] = time.monotonic() + chore.every_seconds
                self._do(chore)

    def _do(self, chore: Chore) -> None:
        """In a transaction of its own: none can keep another from being done."""
        try:
            with self.huey.flask_app.app_context(), transaction():
                chore.step()
        except Exception:  # database or broker away: next time
            log.warning("%s failed, trying again", chore.name, exc_info=True)


def _sweep() -> None:
    count = leases.sweep()
    if count:
        log.info("sweep sends %d analyses again", count)


def _analyse(analysis_id: int) -> None:
    from webapp.analysis.runner import run_analysis  # in a worker's own processes only: it loads the model's runtime

    run_analysis(analysis_id)


class SweepingConsumer(Consumer):
    scheduler_class = SweepingScheduler


def run_worker(app: Flask, chores: Sequence[Chore] = ()) -> None:
    """Work until SIGTERM or SIGINT; both let the running analysis finish. ``chores``: those of other rooms."""
    os.nice(NICENESS)
    settings = settings_of(app)
    queue = app.extensions["queue"]
    huey = queue.huey
    huey.flask_app, huey.worker_name = app, leases.new_owner()
    huey.chores = (
        Chore("sweep", _sweep),
        Chore("re-run", reruns.feed),
        Chore("sign of life", lambda: workers.beat(huey.worker_name), workers.BEAT_SECONDS),
        *chores,
    )
    queue.handler = _analyse
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
