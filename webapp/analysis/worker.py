"""The worker command: Huey's consumer with process workers, and a scheduler that also sweeps.

Each second it sends analyses again that got lost, and hands back cases whose reader's claim ran out.
"""

import logging
from typing import Any

from flask import Flask
from huey.consumer import Consumer, Scheduler

from webapp.analysis import leases
from webapp.database import dispose_inherited_connections, transaction
from webapp.extensions import db
from webapp.review import claims

log = logging.getLogger(__name__)


class SweepingScheduler(Scheduler):
    """Huey's scheduler process with the sweep beside it."""

    def loop(self, now: Any = None) -> None:
        super().loop(now)
        app = self.huey.flask_app
        try:
            with app.app_context(), transaction():
                count = leases.sweep()
                claims.release_expired()
        except Exception:  # database or broker away: next second
            log.warning("sweep failed, trying again", exc_info=True)
        else:
            if count:
                log.info("sweep sent %d analyses again", count)


class SweepingConsumer(Consumer):
    scheduler_class = SweepingScheduler


def run_worker(app: Flask) -> None:
    """Work until SIGTERM or SIGINT; both let the running analysis finish."""
    settings = app.extensions["settings"]
    queue = app.extensions["queue"]
    huey = queue.huey
    huey.flask_app = app
    log.info("task %s is registered", queue.analyse.name)

    @huey.on_startup(name="own_connections")
    def own_connections() -> None:
        from webapp.analysis.runner import warm_up

        with app.app_context():
            dispose_inherited_connections(db.engine)
            warm_up(settings)

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
