"""For whoever runs the program: ``/healthz`` says that a web process answers, ``/readyz`` that all it needs is there.

Both are public, so they name parts and nothing else; why a part failed is in the log.
"""

import logging
import time
from collections.abc import Callable
from functools import cache

from alembic.script import ScriptDirectory
from flask import Blueprint, current_app

from webapp.admin.operation import queries
from webapp.analysis import bundles, queue
from webapp.config import PROJECT_ROOT

log = logging.getLogger(__name__)

blueprint = Blueprint("health", __name__)

REMEMBERED_SECONDS = 2.0
"""So that asking all the time costs the database nothing."""


class NotReadyError(Exception):
    """A part is there but of no use; the message is for the log."""


@blueprint.get("/healthz")
def live() -> dict[str, str]:
    """The web process answers. It asks nobody else: restarting it would repair no database."""
    return {"status": "ok"}


@blueprint.get("/readyz")
def ready() -> tuple[dict[str, object], int]:
    failed = _failed()
    return {"status": "not ready" if failed else "ready", "failed": failed}, 503 if failed else 200


def _failed() -> list[str]:
    """Names of the parts that fail, as of REMEMBERED_SECONDS ago at most."""
    since, failed = current_app.extensions.get("readiness", (None, []))
    now = time.monotonic()
    if since is None or now - since > REMEMBERED_SECONDS:
        failed = [name for name, check in CHECKS.items() if not _passes(name, check)]
        current_app.extensions["readiness"] = (now, failed)
    return list(failed)


def _passes(name: str, check: Callable[[], object]) -> bool:
    try:
        check()
    except Exception as error:  # any driver's own error; its text may hold addresses
        log.error("not ready: %s: %s", name, error if isinstance(error, NotReadyError) else type(error).__name__)
        return False
    return True


def _migrations() -> None:
    there = queries.revisions()
    if there != _heads():
        raise NotReadyError(f"the database is at {there}: run flask --app wsgi db upgrade")


@cache
def _heads() -> frozenset[str]:
    """The revision that the code needs."""
    return frozenset(ScriptDirectory(str(PROJECT_ROOT / "migrations")).get_heads())


def _store() -> None:
    next(current_app.extensions["image_store"].keys(), None)


def _model() -> None:
    bundles.check(current_app.extensions["settings"].model_bundle)


CHECKS: dict[str, Callable[[], object]] = {
    "database": queries.reach_database,
    "migrations": _migrations,
    "queue": queue.pending_count,
    "store": _store,
    "model": _model,
}
