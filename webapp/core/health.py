"""For operators: ``/healthz`` says that a web process answers, ``/readyz`` that everything it needs is there.

Both are public, so they name parts and nothing else; the log says why a part failed.
"""

import logging
import time
from collections.abc import Callable, Mapping
from functools import cache

from flask import Blueprint, Flask, current_app
from sqlalchemy import String, column, event, literal, select, table
from sqlalchemy.engine import ExceptionContext

from webapp.core.extensions import db
from webapp.core.migrations import FOLDER
from webapp.core.version import VERSION

log = logging.getLogger(__name__)

blueprint = Blueprint("health", __name__)

DAMAGE = "database_damage"
REMEMBERED_SECONDS = 2.0
"""So that frequent probes cost the database nothing."""


Check = Callable[[], object]


class NotReadyError(Exception):
    """A part is there but unusable; the message is for the log."""


def init_app(app: Flask, checks: Mapping[str, Check]) -> None:
    """``checks``: one for each part that this web process needs; it raises if the part is unusable."""
    app.extensions["readiness_checks"] = dict(checks)
    with app.app_context():
        event.listen(db.engine, "handle_error", _note_damage)
    app.register_blueprint(blueprint)


@blueprint.get("/healthz")
def live() -> dict[str, str]:
    """The web process answers. It checks nothing else: restarting it would not repair a database."""
    return {"status": "ok", "version": VERSION}


@blueprint.get("/readyz")
def ready() -> tuple[dict[str, object], int]:
    failed = _failed()
    return {"status": "not ready" if failed else "ready", "failed": failed}, 503 if failed else 200


def _failed() -> list[str]:
    """Names of the failing parts, at most REMEMBERED_SECONDS old."""
    since, failed = current_app.extensions.get("readiness", (None, []))
    now = time.monotonic()
    if since is None or now - since > REMEMBERED_SECONDS:
        failed = [
            name for name, check in current_app.extensions["readiness_checks"].items() if not _passes(name, check)
        ]
        current_app.extensions["readiness"] = (now, failed)
    return list(failed)


def _passes(name: str, check: Check) -> bool:
    try:
        check()
    except Exception as error:  # any driver's own error; its text may contain addresses
        log.error("not ready: %s: %s", name, error if isinstance(error, NotReadyError) else type(error).__name__)
        return False
    return True


def reach_database() -> None:
    """Raises SQLAlchemyError if the database does not answer, NotReadyError if a statement has found it damaged."""
    db.session.execute(select(literal(1)))
    if damage := current_app.extensions.get(DAMAGE):
        raise NotReadyError(f"the database is damaged ({damage}): restore it from a backup")


def _note_damage(context: ExceptionContext) -> None:
    name = getattr(context.original_exception, "sqlite_errorname", "")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        current_app.extensions[DAMAGE] = name


def migrations() -> None:
    """Raises NotReadyError unless the database is at the revision that the code needs."""
    stored = select(column("version_num", String)).select_from(table("alembic_version"))
    there = frozenset(db.session.scalars(stored))
    if there != heads():
        raise NotReadyError(f"the database is at {there}: run flask --app wsgi db upgrade")


@cache
def heads() -> frozenset[str]:
    """The revision that the code needs."""
    from alembic.script import ScriptDirectory

    return frozenset(ScriptDirectory(str(FOLDER)).get_heads())
