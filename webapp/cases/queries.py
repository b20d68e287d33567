"""All queries for cases and images, always scoped to the requesting user."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement, Select, and_, distinct, false, func, or_, select, true, union_all
from sqlalchemy.orm import InstrumentedAttribute, contains_eager, joinedload, selectinload

from webapp.core.counts import MOST, up_to
from webapp.core.extensions import db
from webapp.models import (
    DROPPED_STATES,
    Analysis,
    Case,
    CaseState,
    Finding,
    Image,
    Letterhead,
    Review,
    Role,
    Unread,
    User,
)
from webapp.models.case import reference_key

PAGE_SIZE = 25
NUMBER_LENGTH = 7
"""Characters of a case number after "DT-"."""
BADGE_MOST = 99


def visible_to(user: User) -> ColumnElement[bool]:
    """A GP sees the cases of their own centre, a dermatologist all of them, anybody else none."""
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
        selectinload(Case.reviews).options(
            joinedload(Review.reviewer), selectinload(Review.assessments), selectinload(Review.marks)
        ),
        joinedload(Case.centre),
        joinedload(Case.submitted_by),
        joinedload(Case.responsible),
        joinedload(Case.voiding),
    )


def find(user: User, number: str, *, afresh: bool = False) -> Case | None:
    """One case with everything its page shows, or None if this user may not see it.

    ``afresh``: discard what was loaded before.
    """
    statement = _with_details(select(Case).where(Case.number == number, visible_to(user)))
    return db.session.scalars(statement.execution_options(populate_existing=afresh)).one_or_none()


def find_locked(user: User, number: str) -> Case | None:
    """The same, locked until this transaction ends and read after the lock is held."""
    db.session.execute(select(Case.id).where(Case.number == number, visible_to(user)).with_for_update())
    return find(user, number, afresh=True)


def by_submission(user: User, token: str) -> Case | None:
    """The case that this form has already created, for example by a double click."""
    statement = select(Case).where(Case.submission_token == token, Case.submitted_by_id == user.id)
    return db.session.scalars(statement).one_or_none()


def sent_before(user: User, digests: Sequence[str], token: str) -> dict[str, str]:
    """SHA-256 of an image → number of the centre's first case with it, other than the case of this form.

    A withdrawn or void case does not count: its images can be sent again.
    """
    statement = select(Image.sha256, Case.number).join(Image.case)
    kept = Case.submission_token != token, Case.state.not_in(DROPPED_STATES)
    statement = statement.where(visible_to(user), Image.sha256.in_(digests), *kept)
    return {row.sha256: row.number for row in db.session.execute(statement.order_by(Image.id.desc()))}


class ListFilter(StrEnum):
    """The filters of the GP's list."""

    TO_READ = "to_read"
    ANALYSING = "analysing"
    WAITING = "waiting"
    RETAKE = "retake"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"
    VOID = "void"

    @property
    def label(self) -> str:
        return {
            "to_read": "To read",
            "analysing": "Being analysed",
            "waiting": "With the dermatologists",
            "retake": "New images requested",
            "answered": "Answered",
            "withdrawn": "Withdrawn",
            "void": "Void",
        }[self.value]

    def conditions(self, user: User) -> list[ColumnElement[bool]]:
        """Exactly one must hold. Each selects a range of an index that starts with the centre or the user."""
        if self is ListFilter.TO_READ:
            return [Case.unread == true(), and_(Case.unread == false(), Case.id.in_(_unread_by(user)))]
        return [Case.state == state for state in _STATES[self]]


_STATES = {
    ListFilter.ANALYSING: (CaseState.SUBMITTED,),
    ListFilter.WAITING: (CaseState.AWAITING_REVIEW, CaseState.IN_REVIEW),
    ListFilter.RETAKE: (CaseState.RETAKE_REQUESTED,),
    ListFilter.ANSWERED: (CaseState.REVIEWED, CaseState.CLOSED),
    ListFilter.WITHDRAWN: (CaseState.WITHDRAWN,),
    ListFilter.VOID: (CaseState.VOIDED,),
}


def _unread_by(user: User) -> Select[int]:
    return select(Unread.case_id).where(Unread.user_id == user.id)


def unread_among(user: User, cases: Sequence[Case]) -> set[int]:
    """Ids of those of ``cases`` that this user, but not everybody at the centre, has yet to open."""
    return set(db.session.scalars(_unread_by(user).where(Unread.case_id.in_([case.id for case in cases]))))


def gps_at(centre_id: int) -> list[int]:
    """Ids of the centre's active GPs."""
    statement = select(User.id).where(User.centre_id == centre_id, User.role == Role.GP, User.active)
    return list(db.session.scalars(statement.order_by(User.id)))


def counts(user: User) -> dict[ListFilter, int]:
    """How many of the centre's cases each filter shows, up to the limit of ``webapp.core.counts``."""
    columns = [up_to(_matching(user, choice)) for choice in ListFilter]
    return dict(zip(ListFilter, db.session.execute(select(*columns)).one(), strict=True))


def _matching(user: User, choice: ListFilter, most: int = MOST) -> Select[int]:
    """Ids of the visible cases that the filter shows, at least ``most`` + 1 if there are as many."""
    walks = [
        select(Case.id).where(visible_to(user), condition).limit(most + 1) for condition in choice.conditions(user)
    ]
    ids = union_all(*(select(walk.subquery().c.id) for walk in walks)).subquery()
    return select(ids.c.id)


def page(user: User, search: str, before: int | None, only: ListFilter | None = None) -> list[Case]:
    """One page of the centre's cases plus one row, newest first, with ids below ``before``."""
    older = true() if before is None else Case.id < before
    found = matching(user, search) if search else true()
    # One index scan per condition: to merge them itself, the database would sort all rows of both.
    walks = [
        select(Case.id).where(visible_to(user), condition, older, found).order_by(Case.id.desc()).limit(PAGE_SIZE + 1)
        for condition in (only.conditions(user) if only else [true()])
    ]
    ids = union_all(*(select(walk.subquery().c.id) for walk in walks))
    statement = select(Case).where(Case.id.in_(ids)).order_by(Case.id.desc()).limit(PAGE_SIZE + 1)
    statement = statement.options(selectinload(Case.images), selectinload(Case.reviews), joinedload(Case.responsible))
    return list(db.session.scalars(statement))


def unread(user: User) -> list[Case]:
    """What the user has yet to open: the user's own cases first, then the newest first."""
    colleagues = Case.responsible_id.is_distinct_from(user.id)
    walks = [
        select(Case.id).where(visible_to(user), condition, whose).order_by(Case.id.desc()).limit(4 * PAGE_SIZE)
        for condition in ListFilter.TO_READ.conditions(user)
        for whose in (~colleagues, colleagues)
    ]
    ids = union_all(*(select(walk.subquery().c.id) for walk in walks))
    statement = select(Case).where(Case.id.in_(ids)).order_by(colleagues, Case.id.desc()).limit(4 * PAGE_SIZE)
    statement = statement.options(selectinload(Case.images), selectinload(Case.reviews), joinedload(Case.responsible))
    return list(db.session.scalars(statement))


def matching(user: User, search: str) -> ColumnElement[bool]:
    """Cases whose number or reference begins with ``search``, or whose reference ends with it, in any case of letters.

    Up to MOST matches are found by index first. With more, a scan from the newest case soon finds a page of them.
    """
    key = reference_key(search)
    ranges = [_begins(Case.reference_key, key), _begins(Case.reference_reversed, key[::-1])]
    digits = search.upper().removeprefix("DT-")
    if digits.isascii() and digits.isalnum() and len(digits) <= NUMBER_LENGTH:
        ranges.append(Case.number.between(f"DT-{digits}", f"DT-{digits.ljust(NUMBER_LENGTH, 'Z')}"))
    walks = [select(Case.id).where(visible_to(user), fits).limit(MOST + 1) for fits in ranges]
    ids = set(db.session.scalars(union_all(*(select(walk.subquery().c.id) for walk in walks))))
    return Case.id.in_(ids) if len(ids) <= MOST else or_(*ranges)


def _begins(column: InstrumentedAttribute[str], beginning: str) -> ColumnElement[bool]:
    return and_(column >= beginning, column < beginning + "\U0010ffff")


def unread_count(user: User) -> int:
    """Cases that wait for the user (what is to be read, requests for new images): each counted up to BADGE_MOST."""
    waiting = (ListFilter.TO_READ, ListFilter.RETAKE)
    columns = [up_to(_matching(user, choice, BADGE_MOST), BADGE_MOST) for choice in waiting]
    return sum(db.session.execute(select(*columns)).one())


def front_of_line() -> list[int]:
    """Ids of the first MOST + 1 cases of the worklist, all centres, in its order."""
    line = select(Case.id).where(Case.is_open).order_by(Case.rank, Case.waiting_since, Case.id).limit(MOST + 1)
    return list(db.session.scalars(line))


def decisions_since(moment: datetime) -> tuple[int, datetime | None]:
    """How many cases were decided since then, and the time of the very first decision."""
    first = select(func.min(Review.decided_at)).scalar_subquery()
    decided = select(func.count(distinct(Review.case_id)), first).where(Review.decided_at >= moment)
    count, earliest = db.session.execute(decided).one()
    return count, earliest


def candidates(user: User, case: Case) -> list[Case]:
    """The patient's latest earlier cases at the centre, plus the one that ``case`` follows; newest first."""
    latest = _earlier(user, case).with_only_columns(Case.id).order_by(Case.id.desc()).limit(PAGE_SIZE)
    chosen = or_(Case.id.in_(select(latest.subquery().c.id)), Case.id == case.follows_id)
    return list(db.session.scalars(_earlier(user, case).where(chosen).order_by(Case.id.desc())))


def candidate(user: User, case: Case, number: str) -> Case | None:
    """One of the patient's earlier cases at the centre, however old."""
    return db.session.scalars(_earlier(user, case).where(Case.number == number)).one_or_none()


def _earlier(user: User, case: Case) -> Select[Case]:
    """Cases that may show the same lesion."""
    same_patient = (Case.centre_id == case.centre_id, Case.reference_key == case.reference_key)
    statement = select(Case).where(visible_to(user), *same_patient, Case.id < case.id)
    return statement.where(Case.state.not_in(DROPPED_STATES))


def linked(user: User, case: Case) -> tuple[list[Case], list[Case]]:
    """The case that ``case`` follows, if any, and those that follow it; the latter locked for this transaction."""
    earlier = select(Case).where(visible_to(user), Case.id == case.follows_id)
    later = select(Case).where(visible_to(user), Case.follows_id == case.id).order_by(Case.id)
    return list(db.session.scalars(earlier)), list(db.session.scalars(later.with_for_update(of=Case)))


JUDGED = Case.images, Case.reviews, Case.histologies, Case.opinion_requests, Case.impressions
"""What shows an earlier case, and tells whether its decision may be shown."""


def lesion_history(user: User, case: Case) -> list[Case]:
    """The earlier cases of the same lesion, newest first: the one this case follows, the one before that, and so on."""
    if case.follows_id is None:
        return []
    chain = select(Case.id, Case.follows_id).where(Case.id == case.follows_id).cte("chain", recursive=True)
    chain = chain.union_all(select(Case.id, Case.follows_id).where(Case.id == chain.c.follows_id))
    statement = select(Case).where(visible_to(user), Case.id.in_(select(chain.c.id))).order_by(Case.id.desc())
    return list(db.session.scalars(statement.options(joinedload(Case.voiding), *map(selectinload, JUDGED))))


def of_patient(user: User, case: Case) -> list[Case]:
    """The patient's latest cases at the centre, this one included, newest first."""
    same_patient = Case.centre_id == case.centre_id, Case.reference_key == case.reference_key
    statement = select(Case).where(visible_to(user), *same_patient, Case.state.not_in(DROPPED_STATES))
    latest = statement.order_by(Case.id.desc()).limit(PAGE_SIZE)
    return list(db.session.scalars(latest.options(joinedload(Case.voiding), *map(selectinload, JUDGED))))


def letterhead() -> Letterhead:
    """The hospital's, empty until an administrator has filled it in."""
    empty = Letterhead(hospital="", department="", address="", registration="", signature="")
    return db.session.get(Letterhead, 1) or empty


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
