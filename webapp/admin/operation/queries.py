"""The only place that selects for the pages on operation; an administrator sees numbers, not cases."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload, selectinload

from webapp.core.counts import up_to
from webapp.core.extensions import db
from webapp.models import (
    Analysis,
    AnalysisState,
    Case,
    FailureReason,
    Image,
    ModelSwitch,
    ModelVersion,
    OperatingPointChoice,
    Rerun,
    Review,
    Worker,
)
from webapp.models.analysis import now_in
from webapp.models.states import PENDING_STATES


def workers_since(moment: datetime) -> list[Worker]:
    """Workers heard from since then, the latest first."""
    statement = select(Worker).where(Worker.seen_at >= moment).options(joinedload(Worker.model_version))
    return list(db.session.scalars(statement.order_by(Worker.seen_at.desc(), Worker.id.desc())))


def last_worker() -> Worker | None:
    statement = select(Worker).options(joinedload(Worker.model_version))
    return db.session.scalars(statement.order_by(Worker.seen_at.desc(), Worker.id.desc()).limit(1)).first()


def failures_since(moment: datetime) -> list[tuple[FailureReason | None, int]]:
    """Failed analyses of open cases since then, by reason, the most frequent first."""
    count = func.count()
    statement = (
        select(Analysis.failure, count)
        .join(Analysis.image)
        .join(Image.case)
        .where(now_in(AnalysisState.FAILED), ~Analysis.shadow, Analysis.finished_at >= moment, Case.is_open)
        .group_by(Analysis.failure)
        .order_by(count.desc(), Analysis.failure)
    )
    return [(reason, number) for reason, number in db.session.execute(statement)]


def cases_sent_since(moment: datetime) -> int:
    return db.session.scalar(select(func.count()).select_from(Case).where(Case.submitted_at >= moment)) or 0


def active_version() -> ModelVersion | None:
    """The model loaded by the worker heard from last, otherwise the one recorded last."""
    worker = last_worker()
    if worker is not None and worker.model_version is not None:
        return worker.model_version
    return db.session.scalars(select(ModelVersion).order_by(ModelVersion.id.desc()).limit(1)).first()


def results_of(versions: Sequence[ModelVersion]) -> list[tuple[int, datetime | None]]:
    """For each version: results, up to the limit of ``webapp.core.counts``, and when the last of them came."""
    columns: list[ColumnElement[Any]] = []
    for version in versions:
        own = select(Analysis.finished_at).where(Analysis.model_version_id == version.id)
        columns += [up_to(own), own.with_only_columns(func.max(Analysis.finished_at)).scalar_subquery()]
    found = db.session.execute(select(*columns)).one() if columns else ()
    return list(zip(found[::2], found[1::2], strict=True))


def last_rerun() -> Rerun | None:
    return db.session.scalars(select(Rerun).order_by(Rerun.id.desc()).limit(1)).first()


def rerun_counts(rerun: Rerun) -> tuple[int, int, int]:
    """Its analyses: (finished, failed, still to do)."""
    statement = select(Analysis.state, func.count().label("images")).where(Analysis.rerun_id == rerun.id)
    counts = {row.state: row.images for row in db.session.execute(statement.group_by(Analysis.state))}
    pending = sum(counts.get(state, 0) for state in PENDING_STATES)
    failed = counts.get(AnalysisState.FAILED, 0)
    return sum(counts.values()) - pending - failed, failed, pending


def version(version_id: int) -> ModelVersion | None:
    return db.session.get(ModelVersion, version_id)


def choice_to_place_locked() -> OperatingPointChoice | None:
    """The oldest choice by which not all open cases are placed, locked; None also if somebody else has locked it."""
    statement = select(OperatingPointChoice).where(OperatingPointChoice.placed_up_to.is_not(None))
    statement = statement.order_by(OperatingPointChoice.id).limit(1)
    return db.session.scalars(statement.with_for_update(of=OperatingPointChoice, skip_locked=True)).first()


def switch_to_place_locked() -> ModelSwitch | None:
    """The same of switching the model: only the latest counts."""
    statement = select(ModelSwitch).order_by(ModelSwitch.id.desc()).limit(1)
    found = db.session.scalars(statement.with_for_update(of=ModelSwitch, skip_locked=True)).first()
    return found if found is not None and found.placed_up_to is not None else None


def switches() -> list[ModelSwitch]:
    """The latest first."""
    return list(db.session.scalars(select(ModelSwitch).order_by(ModelSwitch.id.desc())))


def decided_without_model_after(on: ModelSwitch, case_id: int, limit: int) -> list[int]:
    """Ids of the next cases decided between the model's last switching off and ``on``."""
    off = select(func.max(ModelSwitch.switched_at)).where(ModelSwitch.off, ModelSwitch.id < on.id).scalar_subquery()
    within = Review.decided_at >= off, Review.decided_at <= on.switched_at, Review.case_id > case_id
    statement = select(Review.case_id).where(*within).distinct().order_by(Review.case_id).limit(limit)
    return list(db.session.scalars(statement))


def open_cases_after(case_id: int, limit: int) -> list[int]:
    """Ids of the next open cases, locked by others or not."""
    return list(
        db.session.scalars(select(Case.id).where(Case.is_open, Case.id > case_id).order_by(Case.id).limit(limit))
    )


def cases_locked(ids: Sequence[int]) -> dict[int, Case]:
    """By id, those that nobody else has locked, with everything that decides their place."""
    lock = select(Case.id).where(Case.id.in_(ids)).order_by(Case.id)
    own = list(db.session.scalars(lock.with_for_update(of=Case, skip_locked=True)))
    findings = selectinload(Case.images).selectinload(Image.analyses).selectinload(Analysis.findings)
    cases = db.session.scalars(select(Case).where(Case.id.in_(own)).options(findings))
    return {case.id: case for case in cases}
