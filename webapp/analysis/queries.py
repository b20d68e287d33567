"""All queries for background work on analyses."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select, true
from sqlalchemy.orm import selectinload

from webapp.core.extensions import db
from webapp.models import (
    DROPPED_STATES,
    Analysis,
    AnalysisState,
    Case,
    FailureReason,
    Image,
    ModelVersion,
    Rerun,
    Urgency,
    Worker,
    utcnow,
)
from webapp.models.analysis import now_in
from webapp.models.states import PENDING_STATES

ALIVE = timedelta(seconds=60)
AHEAD = timedelta(hours=1)
"""No row is stamped this far ahead unless the clock was set back since; such a row is treated as due at once."""
PORTION = 500
"""The most rows that one sweep takes; the next sweep comes a second later."""

AFTERWARDS = 20
"""The same for analyses of decided cases, which wait for everything else."""


def locked_case_of(analysis_id: int) -> Case | None:
    """The case of an analysis with everything triage needs, locked so that its images finish one at a time."""
    case_id = (
        select(Image.case_id).join(Analysis, Analysis.image_id == Image.id).where(Analysis.id == analysis_id)
    ).scalar_subquery()
    db.session.scalars(select(Case).where(Case.id == case_id).with_for_update()).one_or_none()
    statement = (
        select(Case)
        .where(Case.id == case_id)
        .options(selectinload(Case.images).selectinload(Image.analyses))
        .execution_options(populate_existing=True)
    )
    return db.session.scalars(statement).one_or_none()


def abandoned(now: datetime) -> list[tuple[int, int]]:
    """(case id, id) of running analyses whose lease has expired: their worker died or hangs."""
    over = or_(Analysis.lease_until < now, Analysis.lease_until > now + AHEAD)
    statement = select(Image.case_id, Analysis.id).join(Analysis.image)
    return [
        (row.case_id, row.id)
        for row in db.session.execute(statement.where(Analysis.state == AnalysisState.RUNNING, over))
    ]


def _unlocked(statement: Select[Analysis]) -> Select[Analysis]:
    """Lock the rows, skipping those locked by others."""
    return statement.with_for_update(of=Analysis, skip_locked=True)


def _silent(now: datetime, grace: timedelta) -> ColumnElement[bool]:
    """Queued for longer than ``grace``."""
    due = or_(Analysis.queued_at < now - grace, Analysis.queued_at > now + AHEAD)
    return and_(now_in(AnalysisState.QUEUED), due)


def silent(now: datetime, grace: timedelta, attempts: int) -> list[Analysis]:
    """Analyses queued for longer than ``grace`` after fewer than ``attempts``, oldest first: at most PORTION."""
    statement = select(Analysis).where(_silent(now, grace), Analysis.attempts < attempts)
    return list(db.session.scalars(_unlocked(statement.order_by(Analysis.queued_at, Analysis.id).limit(PORTION))))


def exhausted(now: datetime, grace: timedelta, attempts: int) -> list[tuple[int, int]]:
    """(case id, id) of those after ``attempts`` or more, oldest first: at most PORTION."""
    statement = select(Image.case_id, Analysis.id).join(Analysis.image)
    statement = statement.where(_silent(now, grace), Analysis.attempts >= attempts)
    found = db.session.execute(statement.order_by(Analysis.queued_at, Analysis.id).limit(PORTION))
    return [(row.case_id, row.id) for row in found]


def stranded(now: datetime, pause: timedelta) -> list[Analysis]:
    """Analyses that failed without model or store, at least ``pause`` ago.

    At most PORTION of open cases and AFTERWARDS of decided ones, whose late result may call the decision into question.
    """
    statement = (
        select(Analysis)
        .join(Analysis.image)
        .join(Image.case)
        .where(
            now_in(AnalysisState.FAILED),
            Analysis.failure.in_((FailureReason.MODEL_UNAVAILABLE, FailureReason.STORE_UNAVAILABLE)),
            or_(
                Analysis.finished_at.is_(None),
                Analysis.finished_at < now - pause,
                Analysis.finished_at > now + AHEAD,
            ),
        )
        .order_by(Analysis.id)
    )
    decided = and_(~Case.is_open, Case.state.not_in(DROPPED_STATES))
    portions = ((Case.is_open, PORTION), (decided, AFTERWARDS))
    return [
        analysis
        for which, most in portions
        for analysis in db.session.scalars(_unlocked(statement.where(which).limit(most)))
    ]


def first_attempt(analysis_id: int) -> bool:
    """Whether the attempt just begun is the first."""
    return db.session.scalar(select(Analysis.attempts).where(Analysis.id == analysis_id)) == 1


def next_fresh(limit: int) -> list[int]:
    """Ids of analyses waiting for their first attempt, in the order of ``queue.priority_of``, locked."""
    statement = (
        select(Analysis.id)
        .join(Analysis.image)
        .join(Image.case)
        .where(now_in(AnalysisState.QUEUED), Analysis.attempts == 0)
        .order_by(
            ~or_(Case.is_open, Analysis.shadow),
            Analysis.shadow,
            Case.urgency != Urgency.URGENT,
            Analysis.queued_at,
            Analysis.id,
        )
        .limit(limit)
    )
    return list(db.session.scalars(statement.with_for_update(of=Analysis, skip_locked=True)))


def waiting_since(analysis_ids: Sequence[int]) -> list[tuple[int, str, datetime]]:
    """(id, image's key in the store, queued at) of each analysis that is still there, in the given order."""
    statement = select(Analysis.id, Image.key, Analysis.queued_at).join(Analysis.image)
    found = {
        row.id: (row.id, row.key, row.queued_at)
        for row in db.session.execute(statement.where(Analysis.id.in_(analysis_ids)))
    }
    return [found[analysis_id] for analysis_id in analysis_ids if analysis_id in found]


def model_version(name: str, weights_sha256: str) -> ModelVersion | None:
    statement = select(ModelVersion).where(ModelVersion.name == name, ModelVersion.weights_sha256 == weights_sha256)
    return db.session.scalars(statement).one_or_none()


def worker(name: str) -> Worker | None:
    return db.session.scalars(select(Worker).where(Worker.name == name)).one_or_none()


def loaded_versions() -> set[int]:
    """Ids of the model versions loaded by workers seen within ALIVE."""
    statement = select(Worker.model_version_id).where(Worker.seen_at > utcnow() - ALIVE)
    return {version_id for version_id in db.session.scalars(statement) if version_id is not None}


def open_rerun_locked() -> Rerun | None:
    """The re-run in progress, locked for this transaction."""
    statement = select(Rerun).where(Rerun.ended_at.is_(None)).order_by(Rerun.id).limit(1)
    return db.session.scalars(statement.with_for_update(of=Rerun)).first()


def pending_of(rerun: Rerun) -> int:
    """Its analyses that are queued or running."""
    statement = select(func.count()).select_from(Analysis)
    return db.session.scalar(statement.where(Analysis.rerun_id == rerun.id, Analysis.state.in_(PENDING_STATES))) or 0


def _left(rerun: Rerun) -> ColumnElement[bool]:
    """Images stored before the re-run that neither its model nor the re-run has analysed, with no analysis pending."""
    return and_(
        Image.stored_at <= rerun.requested_at, *_untouched(rerun.model_version_id, Analysis.rerun_id == rerun.id)
    )


def _untouched(version_id: int, *more: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    """Images without an analysis of this model version, one that is pending, or one that meets ``more``."""
    found = or_(Analysis.model_version_id == version_id, Analysis.state.in_(PENDING_STATES), *more)
    touched = select(Analysis.id).where(Analysis.image_id == Image.id, found).exists()
    return [Case.state.not_in(DROPPED_STATES), ~touched]


def images_left(rerun: Rerun, limit: int, below: int | None = None) -> list[int]:
    """Ids of the next images to re-run, newest first, below ``below``."""
    statement = select(Image.id).join(Image.case).where(_left(rerun), true() if below is None else Image.id < below)
    return list(db.session.scalars(statement.order_by(Image.id.desc()).limit(max(limit, 0))))


def lowest_image_of(rerun: Rerun) -> int | None:
    """How far the re-run has got."""
    return db.session.scalar(select(func.min(Analysis.image_id)).where(Analysis.rerun_id == rerun.id))


def count_to_rerun(version_id: int) -> int:
    """Images that a re-run with this model version would analyse."""
    statement = select(func.count()).select_from(Image).join(Image.case).where(*_untouched(version_id))
    return db.session.scalar(statement) or 0


def waiting() -> Row[int, datetime | None]:
    """(number of images without a result, when the oldest was stored)."""
    statement = select(func.count(), func.min(Image.stored_at)).select_from(Analysis).join(Analysis.image)
    return db.session.execute(statement.where(Analysis.state.in_(PENDING_STATES), ~Analysis.shadow)).one()
