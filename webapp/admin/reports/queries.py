"""The only place that selects for the reports. Plain columns, no free text: an administrator sees no patient data.

A handful of queries, whatever the number of cases.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    String,
    Subquery,
    and_,
    case,
    cast,
    extract,
    func,
    null,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.orm import InstrumentedAttribute, aliased, joinedload, selectinload

from webapp.core.extensions import db
from webapp.models import (
    Analysis,
    AnalysisState,
    Case,
    CaseState,
    Centre,
    Diagnosis,
    Histology,
    Image,
    Management,
    Review,
)
from webapp.triage.concern import reaches

PORTION = 200
AT_ONCE = 5000
"""Rows in memory at a time while a period is read."""


def first_since(moment: datetime) -> int | None:
    """The lowest id of the cases sent since then: what belongs to later cases is a range of an index from there.

    The sum keeps SQLite from searching for it through the cases from the first one.
    """
    return db.session.scalar(select(func.min(Case.id + 0)).where(Case.submitted_at >= moment))


def each_case(
    moment: datetime, first: int, thresholds: Mapping[int, float | None], version_id: int | None
) -> Iterator[Sequence[Any]]:
    """For each case sent since ``moment``: id, second of sending, seconds to the answer, highest P(BCC), kind.

    The kind is what ``facts.Kind.of`` takes: centre, phototype, urgency, what the model says (``sure``, ``present``),
    diagnosis, diagnosis before a histology was known, histology; the words as they are stored.

    ``thresholds``: of each model version, its threshold in force. ``version_id``: whose results; None: those in force.
    """
    results, known = _results(first, thresholds, version_id), _known_histologies(first)
    decisions = _decisions(first, known)
    last, unaided, histology = aliased(Review), aliased(Review), aliased(Histology)
    submitted = _seconds(Case.submitted_at)
    statement = (
        select(
            Case.id,
            submitted,
            _seconds(decisions.c.answered_at) - submitted,
            results.c.probability,
            Centre.name,
            Case.phototype,
            type_coerce(Case.urgency, String),
            results.c.sure,
            results.c.present,
            type_coerce(last.diagnosis, String),
            type_coerce(unaided.diagnosis, String),
            type_coerce(histology.result, String),
        )
        .join(Case.centre)
        .outerjoin(results, results.c.case_id == Case.id)
        .outerjoin(decisions, decisions.c.case_id == Case.id)
        .outerjoin(known, known.c.case_id == Case.id)
        .outerjoin(last, last.id == decisions.c.last_id)
        .outerjoin(unaided, unaided.id == decisions.c.unaided_id)
        .outerjoin(histology, histology.id == known.c.last_id)
        .where(Case.submitted_at >= moment, _KEPT)
    )
    return iter(db.session.connection().execute(statement, execution_options={"yield_per": AT_ONCE}))


def _seconds(moment: ColumnElement[datetime] | InstrumentedAttribute[datetime]) -> ColumnElement[float]:
    """Since 1970."""
    if db.engine.dialect.name == "sqlite":
        return (func.julianday(moment, type_=Float) - 2440587.5) * 86400.0
    return type_coerce(extract("epoch", moment), Float)


def _results(first: int, thresholds: Mapping[int, float | None], version_id: int | None) -> Subquery:
    """For each case from ``first``: whether every image has a usable result, whether one suspects, the highest P."""
    known = {version: threshold for version, threshold in thresholds.items() if threshold is not None}
    threshold = case(known, value=Analysis.model_version_id, else_=None) if known else cast(null(), Float)
    usable = and_(threshold.is_not(None), Analysis.bcc_probability.is_not(None), Analysis.needs_person.is_(False))
    statement = (
        select(
            Image.case_id,
            func.min(case((usable, 1), else_=0)).label("sure"),
            func.max(case((reaches(Analysis.bcc_probability, threshold), 1), else_=0)).label("present"),
            func.max(Analysis.bcc_probability).label("probability"),
        )
        .outerjoin(Analysis, and_(Analysis.image_id == Image.id, *_counts(version_id)))
        .where(Image.case_id >= first)
        .group_by(Image.case_id)
    )
    return statement.subquery()


def _counts(version_id: int | None) -> list[ColumnElement[bool]]:
    """The one analysis of an image that counts: the result in force, or the latest of one model version."""
    if version_id is None:
        return [Analysis.state != AnalysisState.SUPERSEDED, ~Analysis.shadow]
    later = aliased(Analysis)
    latest = select(func.max(later.id)).where(later.image_id == Image.id, later.model_version_id == version_id)
    return [Analysis.id == latest.correlate(Image).scalar_subquery()]


def _known_histologies(first: int) -> Subquery:
    """Since when a case's histology has been known, and the row that counts: the last one."""
    columns = (func.min(Histology.entered_at).label("since"), func.max(Histology.id).label("last_id"))
    rows = select(Histology.case_id, *columns).where(Histology.case_id >= first)
    return rows.group_by(Histology.case_id).subquery()


def _decisions(first: int, known: Subquery) -> Subquery:
    """Each case's first answer in time, its last decision, and the last one before a histology was known."""
    before = or_(known.c.since.is_(None), Review.decided_at < known.c.since)
    statement = (
        select(
            Review.case_id,
            func.min(Review.decided_at).label("answered_at"),
            func.max(Review.id).label("last_id"),
            func.max(case((before, Review.id))).label("unaided_id"),
        )
        .outerjoin(known, known.c.case_id == Review.case_id)
        .where(Review.case_id >= first, *_DECIDES)
        .group_by(Review.case_id)
    )
    return statement.subquery()


_DECIDES = (Review.management != Management.RETAKE, ~Review.retraction.has())
"""Neither a request for new images nor a decision taken back counts."""
_KEPT = Case.state != CaseState.VOIDED
"""A case that was entered in error counts nowhere."""


def diagnoses_since(moment: datetime) -> dict[Diagnosis, int]:
    """How many of the cases sent since then have each diagnosis as their last one."""
    first = first_since(moment)
    if first is None:
        return {}
    last = select(func.max(Review.id).label("id")).join(Review.case)
    last = last.where(Review.case_id >= first, Case.submitted_at >= moment, _KEPT, *_DECIDES).group_by(Review.case_id)
    of_each = select(Review.diagnosis, func.count().label("cases")).where(Review.id.in_(last))
    return {row.diagnosis: row.cases for row in db.session.execute(of_each.group_by(Review.diagnosis))}


def cases_named(ids: Iterable[int]) -> dict[int, Any]:
    """By id: what a list of cases shows."""
    statement = select(Case.id, Case.number, Centre.name.label("centre"), Case.phototype, Case.submitted_at)
    return {row.id: row for row in db.session.execute(statement.join(Case.centre).where(Case.id.in_(list(ids))))}


def _within(begin: datetime | None, end: datetime | None, centre_id: int | None) -> list[ColumnElement[bool]]:
    found = [Case.submitted_at >= begin] if begin else []
    found += [Case.submitted_at < end] if end else []
    return found + ([Case.centre_id == centre_id] if centre_id else [])


def count_in(begin: datetime | None, end: datetime | None, centre_id: int | None) -> int:
    statement = select(func.count()).select_from(Case).where(*_within(begin, end, centre_id))
    return db.session.scalar(statement) or 0


def portion_in(begin: datetime | None, end: datetime | None, centre_id: int | None, after: int) -> list[Case]:
    """The next cases by id, with everything that the export says about them."""
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
            selectinload(Case.reviews).options(selectinload(Review.assessments), selectinload(Review.marks)),
            selectinload(Case.histologies),
            joinedload(Case.voiding),
        )
    )
    return list(db.session.scalars(statement))
