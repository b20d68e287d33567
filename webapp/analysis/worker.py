"""The worker command: Huey's consumer with process workers, and a scheduler that also does chores.

About once a second it requeues lost analyses and queues a few images of a re-run; every few seconds it reports that it
is alive. Chores of other rooms are passed in: see `webapp.cli`.
"""

import logging
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask
from huey.consumer import Consumer, Scheduler, Worker

from webapp.analysis import leases, reruns, workers
from webapp.core import release
from webapp.core.config import settings_of
from webapp.core.database import dispose_inherited_connections, reading, transaction
from webapp.core.extensions import db
from webapp.core.parent import end_with_parent
from webapp.core.version import VERSION
from webapp.metrics.figures import share_figures
from webapp.metrics.server import serve

log = logging.getLogger(__name__)

SIGN_OF_LIFE = "sign of life"
RELEASE_SECONDS = 1.0
"""How often a worker looks whether the database has another release."""
NICENESS = 5
"""On a busy machine shared with the web server the queue grows, but pages stay fast."""


@dataclass(frozen=True)
class Chore:
    """A recurring task, run each time in its own transaction."""

    name: str
    step: Callable[[], object]
    every_seconds: float = 0.0
    """0: about once a second."""


class CurrentWorker(Worker):
    """Huey's worker process. It ends with the main process, and fetches no work for a release that it is not of."""

    _checked, _current = 0.0, True

    def initialize(self) -> None:
        end_with_parent(self.huey.main_pid, signal.SIGKILL)
        super().initialize()

    def loop(self, now: Any = None) -> None:
        if self._is_current():
            super().loop(now)
        else:
            self.stop_flag.wait(RELEASE_SECONDS)

    def _is_current(self) -> bool:
        if time.monotonic() - self._checked >= RELEASE_SECONDS:
            self._checked, before = time.monotonic(), self._current
            self._current = release_is_current(self.huey.flask_app)
            if before and not self._current:
                log.warning("this worker is of release %s, the database of another: it takes no new work", VERSION)
        return self._current


def release_is_current(app: Flask) -> bool:
    """True as well while the database is away: whoever takes an analysis asks again."""
    try:
        with app.app_context(), reading() as session:
            return release.is_current(session.connection())
    except Exception:
        return True


class SweepingScheduler(Scheduler):
    """Huey's scheduler process, which also does the chores. It serves the metrics, since there is only one of it."""

    def initialize(self) -> None:
        end_with_parent(self.huey.main_pid, signal.SIGKILL)
        super().initialize()
        self._due: dict[str, float] = {}
        if settings_of(self.huey.flask_app).metrics_bind:
            serve(self.huey.flask_app)

    def loop(self, now: Any = None) -> None:
        super().loop(now)
        current = release_is_current(self.huey.flask_app)
        for chore in self.huey.chores:
            if not current and chore.name != SIGN_OF_LIFE:
                continue
            if time.monotonic() >= self._due.get(chore.name, 0.0):
                self._due[chore.name] = time.monotonic() + chore.every_seconds
                self._do(chore)

    def _do(self, chore: Chore) -> None:
        """In its own transaction, so that a failing chore does not stop the others."""
        try:
            with self.huey.flask_app.app_context(), transaction():
                chore.step()
        except Exception:  # database or broker down: next time
            log.warning("%s failed, trying again", chore.name, exc_info=True)


def _sweep() -> None:
    count = leases.sweep()
    if count:
        log.info("sweep sends %d analyses again", count)


def _analyse(analysis_id: int) -> None:
    from webapp.analysis.runner import run_analysis  # in worker processes only: it loads the model's runtime

    run_analysis(analysis_id)


class SweepingConsumer(Consumer):
    worker_class = CurrentWorker
    scheduler_class = SweepingScheduler


def run_worker(app: Flask, chores: Sequence[Chore] = ()) -> None:
    """Work until SIGTERM or SIGINT; both let the running analysis finish. ``chores``: those of other rooms."""
    os.nice(NICENESS)
    settings = settings_of(app)
    queue = app.extensions["queue"]
    huey = queue.huey
    huey.flask_app, huey.worker_name, huey.main_pid = app, leases.new_owner(), os.getpid()
    huey.chores = (
        Chore("sweep", _sweep),
        Chore("re-run", reruns.feed),
        Chore(SIGN_OF_LIFE, lambda: workers.beat(huey.worker_name), workers.BEAT_SECONDS),
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
        """At the start, and if the model is missing then, after each task until it is found."""
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
