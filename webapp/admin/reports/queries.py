"""The only place that selects for the reports. Plain columns, no texts: an administrator sees no patient's data.

A handful of queries, whatever the number of cases.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from webapp.extensions import db
from webapp.models import Analysis, AnalysisState, Case, Centre, Image, Management, ModelVersion, Review


def cases_since(moment: datetime) -> Sequence[Any]:
    """Cases sent since then, oldest first."""
    statement = (
        select(Case.id, Case.number, Centre.name.label("centre"), Case.phototype, Case.urgency, Case.submitted_at)
        .join(Case.centre)
        .where(Case.submitted_at >= moment)
        .order_by(Case.submitted_at, Case.id)
    )
    return db.session.execute(statement).all()


def decisions_since(moment: datetime) -> Sequence[Any]:
    """Decisions on these cases in the order they were made; requests for new images decide nothing."""
    statement = (
        select(Review.case_id, Review.diagnosis, Review.decided_at)
        .join(Review.case)
        .where(Case.submitted_at >= moment, Review.management != Management.RETAKE)
        .order_by(Review.id)
    )
    return db.session.execute(statement).all()


def answers_since(moment: datetime, version_id: int | None) -> Sequence[Any]:
    """What the model says of each image of these cases: the result in force, or the latest of one model version."""
    statement = (
        select(
            Image.case_id,
            Image.id.label("image_id"),
            Analysis.bcc_probability,
            Analysis.needs_person,
            Analysis.model_version_id,
        )
        .join(Analysis.image)
        .join(Image.case)
        .where(Case.submitted_at >= moment)
        .order_by(Analysis.id)
    )
    if version_id is None:
        return db.session.execute(statement.where(Analysis.state != AnalysisState.SUPERSEDED)).all()
    return db.session.execute(statement.where(Analysis.model_version_id == version_id)).all()


def image_counts_since(moment: datetime) -> dict[int, int]:
    """Images of each of these cases."""
    statement = select(Image.case_id, func.count().label("images")).join(Image.case).where(Case.submitted_at >= moment)
    return {row.case_id: row.images for row in db.session.execute(statement.group_by(Image.case_id))}


def versions() -> list[ModelVersion]:
    """The latest first."""
    return list(db.session.scalars(select(ModelVersion).order_by(ModelVersion.id.desc())))
