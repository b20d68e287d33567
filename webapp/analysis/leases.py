"""Leases on Analysis rows: who may work on one, until when, and what happens to abandoned ones.

``take`` → work, calling ``renew`` from time to time → ``give_back`` or the final result. Each is one conditional
UPDATE, so of two workers exactly one succeeds, and a worker that has lost its lease changes nothing.
"""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from types import TracebackType

from flask import Flask
from sqlalchemy import CursorResult, Update, and_, or_, update

from webapp import audit
from webapp.analysis import queries, queue
from webapp.audit import sealing
from webapp.core import release
from webapp.core.config import Settings, current_settings
from webapp.core.database import after_commit, one_by_one, transaction
from webapp.core.extensions import db
from webapp.models import Analysis, AnalysisState, FailureReason, utcnow
from webapp.triage import rank, switch

log = logging.getLogger(__name__)

STRANDED_RETRY_PAUSE = timedelta(seconds=30)
RETRY_PAUSE_SECONDS = 2.0
SILENT_LEASES = 20


def new_owner() -> str:
    """A unique name for one attempt, readable in the logs."""
    return f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(8)}"


def _lease_end(now: datetime) -> datetime:
    return now + timedelta(seconds=current_settings().analysis_lease_seconds)


def _changed(statement: Update) -> bool:
    """Whether the row was changed; what a seal covers stays the same, since queued and running are one to it."""
    result = db.session.execute(statement.execution_options(synchronize_session=False, **sealing.UNCHANGED))
    return isinstance(result, CursorResult) and result.rowcount == 1


def take(analysis_id: int, owner: str) -> bool:
    """Begin an attempt, unless the analysis is finished or another worker holds it."""
    now = utcnow()
    free = or_(
        Analysis.state == AnalysisState.QUEUED,
        and_(Analysis.state == AnalysisState.RUNNING, Analysis.lease_until < now),
    )
    return _changed(
        update(Analysis)
        .where(Analysis.id == analysis_id, free, Analysis.attempts < current_settings().analysis_attempts)
        .values(
            state=AnalysisState.RUNNING,
            attempts=Analysis.attempts + 1,
            lease_owner=owner,
            lease_until=_lease_end(now),
            heartbeat_at=now,
            started_at=now,
        )
    )


def take_batch(analysis_id: int, owner: str) -> list[int]:
    """Begin an attempt at this analysis and at others waiting for their first.

    [] if this one cannot be taken, the model is switched off, or this worker is of another release than the database.

    Only first attempts are batched: after a batch failed or was killed each is tried alone, so an image that crashes
    workers affects others once at most. If only one attempt is allowed, nothing is batched.
    """
    may = not switch.is_off() and release.is_current(db.session.connection())
    if not may or not take(analysis_id, owner):
        return []
    room = current_settings().analysis_batch - 1 if current_settings().analysis_attempts > 1 else 0
    if room <= 0 or not queries.first_attempt(analysis_id):
        return [analysis_id]
    return [analysis_id, *(other for other in queries.next_fresh(room) if take(other, owner))]


def held_by(owner: str, analysis_id: int) -> Update:
    return update(Analysis).where(
        Analysis.id == analysis_id, Analysis.state == AnalysisState.RUNNING, Analysis.lease_owner == owner
    )


def renew(analysis_id: int, owner: str) -> bool:
    now = utcnow()
    return _changed(held_by(owner, analysis_id).values(lease_until=_lease_end(now), heartbeat_at=now))


def give_back(analysis: Analysis, failure: FailureReason) -> None:
    """End an attempt without a result: try again, or after the last attempt mark the analysis as failed."""
    analysis.lease_owner = analysis.lease_until = None
    if analysis.attempts < current_settings().analysis_attempts and failure is not FailureReason.MODEL_UNAVAILABLE:
        requeue(analysis, delay=RETRY_PAUSE_SECONDS * analysis.attempts)
    else:
        analysis.state, analysis.failure, analysis.finished_at = AnalysisState.FAILED, failure, utcnow()


def put_off(analysis: Analysis) -> None:
    """Let the analysis wait until the model is on again, as if this attempt had not begun: the sweep then sends it."""
    analysis.state, analysis.queued_at, analysis.attempts = AnalysisState.QUEUED, utcnow(), analysis.attempts - 1
    analysis.lease_owner = analysis.lease_until = None


def requeue(analysis: Analysis, delay: float = 0) -> None:
    """Let the analysis run again after ``delay`` seconds. Its last failure is kept until it succeeds."""
    analysis.state, analysis.queued_at = AnalysisState.QUEUED, utcnow()
    analysis.lease_owner = analysis.lease_until = None
    analysis_id, priority = analysis.id, queue.priority_of(analysis)
    after_commit(lambda: queue.send_all([(analysis_id, priority)], delay))


def sweep() -> int:
    """Requeue lost analyses. Returns how many were touched; call inside a transaction.

    What changes a case comes first, each case locked before its analysis, as when a result is stored. While the model
    is switched off all wait.
    """
    if switch.is_off():
        return 0
    now = utcnow()
    grace, attempts = _silence(), current_settings().analysis_attempts
    over = sorted(queries.abandoned(now) + queries.exhausted(now, grace, attempts))
    ids = [analysis_id for _case_id, analysis_id in over]
    taken = one_by_one(ids, lambda analysis_id: _reclaim(analysis_id, now), "taking an analysis back")
    lost = queries.silent(now, grace, attempts)
    stranded = queries.stranded(now, STRANDED_RETRY_PAUSE)
    sent = one_by_one(lost, requeue, "sending an analysis again")
    return sum(taken) + len(sent) + len(one_by_one(stranded, _begin_again, "trying an analysis again"))


def _begin_again(analysis: Analysis) -> None:
    analysis.attempts = 0
    requeue(analysis)


def _reclaim(analysis_id: int, now: datetime) -> bool:
    """Take an analysis from a worker that died, or end it if the limit of attempts was lowered while it waited.

    Not if it finished, began or renewed its lease at the last moment.
    """
    case = queries.locked_case_of(analysis_id)
    analysis = db.session.get(Analysis, analysis_id, populate_existing=True, with_for_update=True)
    if case is None or analysis is None or not (_is_abandoned(analysis, now) or _is_exhausted(analysis)):
        return False
    give_back(analysis, FailureReason.ATTEMPTS_EXHAUSTED)
    audit.record(None, "analysis.abandoned", analysis, after={"state": analysis.state.value})
    rank.refresh(case)
    return True


def _is_abandoned(analysis: Analysis, now: datetime) -> bool:
    until = analysis.lease_until
    if analysis.state is not AnalysisState.RUNNING or until is None:
        return False
    return until < now or until > now + queries.AHEAD


def _is_exhausted(analysis: Analysis) -> bool:
    return analysis.state is AnalysisState.QUEUED and analysis.attempts >= current_settings().analysis_attempts


def _silence() -> timedelta:
    """For how long a row may be queued before its message counts as lost: it waits although the broker has none left.

    A busy broker always has some, so rows that have waited very long are sent again anyway, each at most once per that
    time. An extra message does no harm.
    """
    grace = timedelta(seconds=current_settings().analysis_lease_seconds)
    return grace * SILENT_LEASES if queue.pending_count() else grace


class Heartbeat:
    """Renews leases in the background, for no longer than the work may take."""

    def __init__(self, app: Flask, analysis_ids: Sequence[int], owner: str, settings: Settings) -> None:
        self._app, self._analysis_ids, self._owner = app, sorted(analysis_ids), owner
        self._pause = settings.analysis_lease_seconds / 3
        self._deadline = time.monotonic() + settings.analysis_timeout_seconds
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def _beat(self) -> None:
        while not self._stop.wait(self._pause) and time.monotonic() < self._deadline:
            try:
                with self._app.app_context(), transaction():
                    renewed = [renew(analysis_id, self._owner) for analysis_id in self._analysis_ids]
                if not any(renewed):
                    return
            except Exception:  # the database may be back for the next beat
                log.warning("leases of analyses %s could not be renewed", self._analysis_ids, exc_info=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
