"""The only place that selects for the reports. Plain columns, no texts: an administrator sees no patient's data.

A handful of queries, whatever the number of cases.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, joinedload, selectinload

from webapp.extensions import db
from webapp.models import Analysis, AnalysisState, Case, Centre, Histology, Image, Management, ModelVersion, Review

PORTION = 200


def cases_since(moment: datetime) -> Sequence[Any]:
    """Cases sent since then, oldest first."""
    statement = (
        select(Case.id, Case.number, Centre.name.label("centre"), Case.phototype, Case.urgency, Case.submitted_at)
        .join(Case.centre)
        .where(Case.submitted_at >= moment)
        .order_by(Case.submitted_at, Case.id)
    )
    return db.session.execute(statement).all()


def _sent_since(moment: datetime, case_id: InstrumentedAttribute[int]) -> list[ColumnElement[bool]]:
    """Rows that belong to these cases: a range of an index holds them all, as later cases have higher ids.

    The sum keeps SQLite from looking for the lowest id by going through the cases from the first one on.
    """
    first = select(func.min(Case.id + 0)).where(Case.submitted_at >= moment).correlate(None).scalar_subquery()
    return [case_id >= first, Case.submitted_at >= moment]


def decisions_since(moment: datetime) -> Sequence[Any]:
    """Decisions on these cases in the order they were made; requests for new images decide nothing."""
    statement = (
        select(Review.id, Review.case_id, Review.diagnosis, Review.decided_at)
        .join(Review.case)
        .where(*_sent_since(moment, Review.case_id), Review.management != Management.RETAKE, ~Review.retraction.has())
    )
    return _by_id(statement)


def _by_id(statement: Select[*tuple[Any, ...]]) -> Sequence[Any]:
    """Sorted here: a database that is to sort by id begins with the whole table."""
    return sorted(db.session.execute(statement), key=lambda row: row.id)


def histologies_since(moment: datetime) -> Sequence[Any]:
    """Histology results of these cases in the order they were entered; the last one of a case counts."""
    statement = (
        select(Histology.case_id, Histology.result, Histology.entered_at)
        .join(Histology.case)
        .where(Case.submitted_at >= moment)
        .order_by(Histology.id)
    )
    return db.session.execute(statement).all()


def answers_since(moment: datetime, version_id: int | None) -> Sequence[Any]:
    """What the model says of each image of these cases: the result in force, or the latest of one model version."""
    statement = (
        select(
            Analysis.id,
            Image.case_id,
            Image.id.label("image_id"),
            Analysis.bcc_probability,
            Analysis.needs_person,
            Analysis.model_version_id,
        )
        .join(Analysis.image)
        .join(Image.case)
        .where(*_sent_since(moment, Image.case_id))
    )
    if version_id is None:
        return _by_id(statement.where(Analysis.state != AnalysisState.SUPERSEDED, ~Analysis.beside))
    return _by_id(statement.where(Analysis.model_version_id == version_id))


def image_counts_since(moment: datetime) -> dict[int, int]:
    """Images of each of these cases."""
    statement = select(Image.case_id, func.count().label("images")).join(Image.case)
    statement = statement.where(*_sent_since(moment, Image.case_id))
    return {row.case_id: row.images for row in db.session.execute(statement.group_by(Image.case_id))}


def versions() -> list[ModelVersion]:
    """The latest first."""
    return list(db.session.scalars(select(ModelVersion).order_by(ModelVersion.id.desc())))


def _within(begin: datetime | None, end: datetime | None, centre_id: int | None) -> list[ColumnElement[bool]]:
    found = [Case.submitted_at >= begin] if begin else []
    found += [Case.submitted_at < end] if end else []
    return found + ([Case.centre_id == centre_id] if centre_id else [])


def count_in(begin: datetime | None, end: datetime | None, centre_id: int | None) -> int:
    statement = select(func.count()).select_from(Case).where(*_within(begin, end, centre_id))
    return db.session.scalar(statement) or 0


def portion_in(begin: datetime | None, end: datetime | None, centre_id: int | None, after: int) -> list[Case]:
    """The next cases by id with all that the export says of them."""
    analyses = selectinload(Case.images).selectinload(Image.analyses)
    statement = (
        select(Case)
        .where(Case.id > after, *_within(begin, end, centre_id))
        .order_by(Case.id)
        .limit(PORTION)
        .options(
            joinedload(Case.centre),
            analyses.selectinload(Analysis.findings),
            analyses.joinedload(Analysis.model_version),
            selectinload(Case.reviews).selectinload(Review.assessments),
            selectinload(Case.histologies),
        )
    )
    return list(db.session.scalars(statement))
