"""The only place that selects analyses for background work."""

from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import selectinload

from webapp.extensions import db
from webapp.models import Analysis, AnalysisState, Case, FailureReason, Image, ModelVersion, Worker

WAITING = (AnalysisState.QUEUED, AnalysisState.RUNNING)


def locked_case_of(analysis_id: int) -> Case | None:
    """The case of an analysis with everything that triage looks at, locked so that images finish one after another."""
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


def abandoned(now: datetime) -> list[int]:
    """Ids of running analyses whose lease has run out: their worker died or hangs."""
    statement = select(Analysis.id).where(Analysis.state == AnalysisState.RUNNING, Analysis.lease_until < now)
    return list(db.session.scalars(statement.order_by(Analysis.id)))


def _unlocked(statement: Select[Analysis]) -> Select[Analysis]:
    """Take the rows that nobody else is changing at this moment."""
    return statement.with_for_update(of=Analysis, skip_locked=True)


def silent(now: datetime, grace: timedelta) -> list[Analysis]:
    """Analyses queued for longer than ``grace``."""
    statement = select(Analysis).where(Analysis.state == AnalysisState.QUEUED, Analysis.queued_at < now - grace)
    return list(db.session.scalars(_unlocked(statement.order_by(Analysis.queued_at, Analysis.id))))


def without_model(now: datetime, pause: timedelta) -> list[Analysis]:
    """Analyses of open cases that failed because there was no model, at least ``pause`` ago."""
    statement = (
        select(Analysis)
        .join(Analysis.image)
        .join(Image.case)
        .where(
            Analysis.state == AnalysisState.FAILED,
            Analysis.failure == FailureReason.MODEL_UNAVAILABLE,
            or_(Analysis.finished_at.is_(None), Analysis.finished_at < now - pause),
            Case.is_open,
        )
    )
    return list(db.session.scalars(_unlocked(statement.order_by(Analysis.id))))


def waiting_count() -> int:
    return db.session.scalar(select(func.count()).select_from(Analysis).where(Analysis.state.in_(WAITING))) or 0


def model_version(name: str, weights_sha256: str) -> ModelVersion | None:
    statement = select(ModelVersion).where(ModelVersion.name == name, ModelVersion.weights_sha256 == weights_sha256)
    return db.session.scalars(statement).one_or_none()


def worker(name: str) -> Worker | None:
    return db.session.scalars(select(Worker).where(Worker.name == name)).one_or_none()


def image_key(analysis_id: int) -> str:
    """The store's key of the image to analyse."""
    return db.session.scalars(select(Image.key).join(Image.analyses).where(Analysis.id == analysis_id)).one()
