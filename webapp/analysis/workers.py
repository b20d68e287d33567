"""Heartbeats: each worker command keeps one row up to date, so that a dead worker differs from an idle one."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete

from webapp.analysis import queries, versions
from webapp.core.extensions import db
from webapp.core.version import VERSION
from webapp.models import Worker, utcnow

BEAT_SECONDS = 5.0
FORGOTTEN_AFTER = timedelta(days=1)


def beat(name: str) -> Worker:
    """Note that the worker is alive. Its first beat creates its row and deletes those of workers long gone."""
    now = utcnow()
    worker = queries.worker(name)
    if worker is None:
        db.session.execute(delete(Worker).where(Worker.seen_at < now - FORGOTTEN_AFTER))
        worker = Worker(name=name, started_at=now, release=VERSION)
        db.session.add(worker)
    worker.seen_at = now
    return worker


def note_model(name: str, model: str, weights_sha256: str, card: dict[str, Any]) -> None:
    """The worker has loaded this model."""
    worker = beat(name)
    worker.model_version, worker.model_error = versions.version_of(model, weights_sha256, card), ""


def note_no_model(name: str, error: str) -> None:
    worker = beat(name)
    worker.model_version, worker.model_error = None, error
