"""The only place that selects cases and images, always scoped to the asking user."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, distinct, false, func, or_, select, true
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from webapp.extensions import db
from webapp.models import Analysis, Case, CaseState, Finding, Image, Receipt, Review, Role, User

PAGE_SIZE = 25


def visible_to(user: User) -> ColumnElement[bool]:
    """Which cases this user may see: a GP those of the own centre, a dermatologist all, anybody else none."""
    if user.role is Role.GP:
        return Case.centre_id == user.centre_id
    if user.role is Role.DERMATOLOGIST:
        return true()
    return false()


def _with_details(statement: Select[Case]) -> Select[Case]:
    analyses = selectinload(Case.images).selectinload(Image.analyses)
    return statement.options(
        analyses.selectinload(Analysis.findings),
        analyses.joinedload(Analysis.model_version),
        selectinload(Case.reviews).options(joinedload(Review.reviewer), selectinload(Review.assessments)),
        joinedload(Case.centre),
        joinedload(Case.submitted_by),
    )


def find(user: User, number: str) -> Case | None:
    """One case with all that its page shows, or None when this user may not see it."""
    statement = select(Case).where(Case.number == number, visible_to(user))
    return db.session.scalars(_with_details(statement)).one_or_none()


def find_locked(user: User, number: str) -> Case | None:
    """The same case, held against changes by others until this transaction ends."""
    db.session.execute(select(Case.id).where(Case.number == number, visible_to(user)).with_for_update())
    return find(user, number)


def by_submission(user: User, token: str) -> Case | None:
    """The case that this very form already made, after a double click."""
    statement = select(Case).where(Case.submission_token == token, Case.submitted_by_id == user.id)
    return db.session.scalars(statement).one_or_none()


def sent_before(user: User, digests: Sequence[str], token: str) -> dict[str, str]:
    """SHA-256 of an image → number of the first case of the centre that has it, other than that of this form."""
    statement = select(Image.sha256, Case.number).join(Image.case)
    statement = statement.where(visible_to(user), Image.sha256.in_(digests), Case.submission_token != token)
    return {row.sha256: row.number for row in db.session.execute(statement.order_by(Image.id.desc()))}


class ListFilter(StrEnum):
    """What the GP's list can be narrowed to."""

    TO_READ = "to_read"
    ANALYSING = "analysing"
    WAITING = "waiting"
    RETAKE = "retake"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        return {
            "to_read": "Answers to read",
            "analysing": "Being analysed",
            "waiting": "With the dermatologists",
            "retake": "New images wanted",
            "answered": "Answered",
            "withdrawn": "Withdrawn",
        }[self.value]

    @property
    def condition(self) -> ColumnElement[bool]:
        if self is ListFilter.TO_READ:
            return _unread()
        return Case.state.in_(_STATES[self])


_STATES = {
    ListFilter.ANALYSING: (CaseState.SUBMITTED,),
    ListFilter.WAITING: (CaseState.AWAITING_REVIEW, CaseState.IN_REVIEW),
    ListFilter.RETAKE: (CaseState.RETAKE_REQUESTED,),
    ListFilter.ANSWERED: (CaseState.REVIEWED, CaseState.CLOSED),
    ListFilter.WITHDRAWN: (CaseState.WITHDRAWN,),
}


def _unread() -> ColumnElement[bool]:
    """An answer whose page nobody at the centre has opened; a closed case was read before receipts were kept."""
    kept = Review.case_id == Case.id, ~Review.retraction.has()
    last = select(func.max(Review.id)).where(*kept).correlate(Case).scalar_subquery()
    return and_(Case.state == CaseState.REVIEWED, ~select(Receipt).where(Receipt.review_id == last).exists())


def counts(user: User) -> dict[ListFilter, int]:
    """How many of the centre's cases each filter shows."""
    columns = [func.count().filter(choice.condition) for choice in ListFilter]
    row = db.session.execute(select(*columns).select_from(Case).where(visible_to(user))).one()
    return dict(zip(ListFilter, row, strict=True))


def page(user: User, search: str, before: int | None, only: ListFilter | None = None) -> list[Case]:
    """One page of the centre's cases and one row more, newest first, from ids below ``before``."""
    statement = select(Case).where(visible_to(user), true() if only is None else only.condition)
    if before is not None:
        statement = statement.where(Case.id < before)
    if search:
        pattern = f"%{_escape_like(search)}%"
        statement = statement.where(
            or_(Case.number.ilike(pattern, escape="\\"), Case.patient_reference.ilike(pattern, escape="\\"))
        )
    statement = statement.order_by(Case.id.desc()).limit(PAGE_SIZE + 1)
    statement = statement.options(selectinload(Case.images), selectinload(Case.reviews), joinedload(Case.submitted_by))
    return list(db.session.scalars(statement))


def _escape_like(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def unread_count(user: User) -> int:
    """Cases of the centre that wait for somebody there: unread answers and requests for new images."""
    waiting = or_(ListFilter.TO_READ.condition, ListFilter.RETAKE.condition)
    statement = select(func.count()).select_from(Case).where(visible_to(user), waiting)
    return db.session.scalar(statement) or 0


def places(case_ids: Sequence[int]) -> dict[int, tuple[int, int]]:
    """(place, length) in the worklist of all centres, for those of the cases, seen by the user already, in it."""
    if not case_ids:
        return {}
    place = func.row_number().over(order_by=(Case.rank, Case.waiting_since, Case.id))
    length = func.count().over()
    line = select(Case.id, place.label("place"), length.label("length")).where(Case.is_open).subquery()
    rows = db.session.execute(select(line.c.id, line.c.place, line.c.length).where(line.c.id.in_(case_ids)))
    return {case_id: (place, length) for case_id, place, length in rows}


def decisions_since(moment: datetime) -> tuple[int, datetime | None]:
    """How many cases were decided since, and when the very first decision of all was made."""
    first = select(func.min(Review.decided_at)).scalar_subquery()
    decided = select(func.count(distinct(Review.case_id)), first).where(Review.decided_at >= moment)
    count, earliest = db.session.execute(decided).one()
    return count, earliest


def candidates(user: User, case: Case) -> list[Case]:
    """The centre's earlier cases of the same patient, newest first: one of them may show the same lesion."""
    same_patient = (Case.centre_id == case.centre_id, Case.patient_reference == case.patient_reference)
    statement = select(Case).where(visible_to(user), *same_patient, Case.id < case.id)
    statement = statement.where(Case.state != CaseState.WITHDRAWN).order_by(Case.id.desc()).limit(PAGE_SIZE)
    return list(db.session.scalars(statement))


def lesion_history(user: User, case: Case) -> list[Case]:
    """The earlier cases of the same lesion, newest first: the one that this case follows, the one before that …"""
    if case.follows_id is None:
        return []
    chain = select(Case.id, Case.follows_id).where(Case.id == case.follows_id).cte("chain", recursive=True)
    chain = chain.union_all(select(Case.id, Case.follows_id).where(Case.id == chain.c.follows_id))
    statement = select(Case).where(visible_to(user), Case.id.in_(select(chain.c.id))).order_by(Case.id.desc())
    return list(db.session.scalars(statement.options(selectinload(Case.images), selectinload(Case.reviews))))


def image_of(user: User, image_id: int) -> Image | None:
    statement = select(Image).join(Image.case).where(Image.id == image_id, visible_to(user))
    return db.session.scalars(statement.options(contains_eager(Image.case))).one_or_none()


def finding_of(user: User, finding_id: int) -> Finding | None:
    """A finding that has a heatmap, of an image this user may see."""
    statement = (
        select(Finding)
        .join(Finding.analysis)
        .join(Analysis.image)
        .join(Image.case)
        .where(Finding.id == finding_id, Finding.heatmap_key.is_not(None), visible_to(user))
    )
    return db.session.scalars(statement).one_or_none()
