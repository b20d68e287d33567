"""All queries for the dermatologist's pages: worklist, claims, opinions."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import (
    ColumnElement,
    ColumnExpressionArgument,
    Select,
    and_,
    false,
    literal,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from ml.patterns import Call, Pattern
from webapp.cases.queries import BADGE_MOST, visible_to
from webapp.core.counts import MOST, up_to
from webapp.core.extensions import db
from webapp.core.orm import UtcDateTime
from webapp.core.parameters import row_id
from webapp.models import (
    Analysis,
    AnalysisState,
    Case,
    Claim,
    Finding,
    Image,
    Management,
    ManagementOption,
    OpinionRequest,
    Review,
    Role,
    User,
    utcnow,
)
from webapp.models.case import NOT_RANKED
from webapp.review.filters import Filters, Order
from webapp.triage.due import allowed

PAGE_SIZE = 25


@dataclass(frozen=True)
class Cursor:
    """The position after which a page begins, as kept in the address. By waiting time, ``rank`` is NOT_RANKED: a rank
    tells the model's result, and who reads blinded has that order.
    """

    rank: float
    waiting_since: datetime
    case_id: int

    def __str__(self) -> str:
        microseconds = round(self.waiting_since.timestamp() * 1_000_000)
        return f"{self.rank!r}~{microseconds}~{self.case_id}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """None if the text is not a cursor: the page then begins at the top."""
        try:
            rank, microseconds, case_id = text.split("~")
            if not math.isfinite(float(rank)):
                return None
            moment = datetime.fromtimestamp(int(microseconds) // 1_000_000, UTC)
            return cls(float(rank), moment.replace(microsecond=int(microseconds) % 1_000_000), row_id(case_id))
        except (ValueError, OverflowError, OSError):
            return None

    @classmethod
    def after(cls, case: Case, order: Order) -> "Cursor":
        return cls(NOT_RANKED if order is Order.WAITING else case.rank, case.waiting_since, case.id)


def _open_to(user: User) -> list[ColumnExpressionArgument[bool]]:
    """Open cases, except those on which this user owes an opinion: their place would tell what others decided."""
    return [Case.is_open, visible_to(user), Case.id.not_in(_owed_by(user))]


def _owed_by(user: User) -> Select[int]:
    """Ids of the cases on which somebody waits for this user's opinion."""
    owed = OpinionRequest.asked_of_id == user.id, OpinionRequest.answered_at.is_(None)
    return select(OpinionRequest.case_id).where(*owed)


def worklist(user: User, filters: Filters, cursor: Cursor | None) -> list[Case]:
    """One page of the open cases that match the filters, plus one row.

    In order of rank (see webapp/triage/rank.py), waiting time, id; or of waiting time, id.
    """
    statement = select(Case).where(*_open_to(user), *_conditions(user, filters))
    by_waiting = filters.order is Order.WAITING
    keys = [Case.waiting_since, Case.id] if by_waiting else [Case.rank, Case.waiting_since, Case.id]
    if cursor is not None:
        after = [literal(cursor.waiting_since, UtcDateTime), literal(cursor.case_id)]
        place = tuple_(*after) if by_waiting else tuple_(literal(cursor.rank), *after)
        statement = statement.where(tuple_(*keys) > place)
    statement = (
        statement.order_by(*keys)
        .limit(PAGE_SIZE + 1)
        .options(
            joinedload(Case.centre),
            selectinload(Case.images).selectinload(Image.analyses).selectinload(Analysis.findings),
            selectinload(Case.claims).options(joinedload(Claim.user), joinedload(Claim.took_over)),
            selectinload(Case.opinion_requests),
            selectinload(Case.histologies),
            selectinload(Case.impressions),
        )
    )
    return list(db.session.scalars(statement))


def _conditions(user: User, filters: Filters) -> list[ColumnElement[bool]]:
    conditions: dict[str, Callable[[], ColumnElement[bool]]] = {
        "centre": lambda: Case.centre_id == filters.centre,
        "urgency": lambda: Case.urgency == filters.urgency,
        "state": lambda: Case.state == filters.state,
        "pattern": lambda: _has_pattern(filters.pattern),
        "person": lambda: Case.needs_person == true(),
        "contradiction": lambda: Case.contradiction == true(),
        "other_cancer": lambda: Case.other_cancer == true(),
        "overdue": _past_due,
        "mine": lambda: _held_by(user),
    }
    return [condition() for name, condition in conditions.items() if getattr(filters, name)]


def _has_pattern(pattern: Pattern | None) -> ColumnElement[bool]:
    """Nested "exists": with a join SQLite may scan all finished analyses again for each case."""
    named = or_(Finding.call.is_(None), Finding.call != Call.NOT_TOLD_APART)
    finding = (Finding.target == (pattern or "")) & Finding.present & named
    found = select(Finding.id).where(Finding.analysis_id == Analysis.id, finding).exists()
    done = (Analysis.state == AnalysisState.DONE) & ~Analysis.shadow
    analysed = select(Analysis.id).where(Analysis.image_id == Image.id, done, found).exists()
    return select(Image.id).where(Image.case_id == Case.id, analysed).exists()


def _past_due() -> ColumnElement[bool]:
    return or_(*_past_due_by_urgency())


def _past_due_by_urgency() -> list[ColumnElement[bool]]:
    now = utcnow()
    return [and_(Case.urgency == u, Case.waiting_since < now - days) for u, days in allowed().items()]


def _held_by(user: User) -> ColumnElement[bool]:
    """By literal ids: with a subquery the database would scan all open cases."""
    ids = _held_cases(user)
    return Case.id.in_(ids) if ids else false()


def _held_cases(user: User) -> list[int]:
    """Ids of the open cases this user has claimed and owes no opinion on. The outer join makes the database start with
    the few claims.
    """
    own = Claim.released_at.is_(None), Claim.user_id == user.id, Claim.expires_at > utcnow()
    free = Claim.case_id.not_in(_owed_by(user))
    rows = db.session.execute(select(Claim.case_id, Case.is_open).outerjoin(Claim.case).where(*own, free))
    return [case_id for case_id, is_open in rows if is_open]


@dataclass(frozen=True)
class Counts:
    """Numbers of open cases: all, those that match the filters, need a person, are past due, are claimed by the user.

    Each is counted up to the limit of ``webapp.core.counts``.
    """

    open: int
    matching: int
    person: int
    overdue: int
    mine: int


def counts(user: User, filters: Filters) -> Counts:
    open_cases = _open_to(user)

    def cases(*conditions: ColumnExpressionArgument[bool]) -> Select[int]:
        return select(Case.id).where(*open_cases, *conditions)

    late = union_all(*(select(cases(one).limit(MOST + 1).subquery().c.id) for one in _past_due_by_urgency()))
    every = up_to(cases())
    columns = {
        "open": every,
        "matching": up_to(cases(*_conditions(user, filters))) if filters.active else every,
        "person": up_to(cases(Case.needs_person == true())),
        "overdue": up_to(select(late.subquery().c.id)),
    }
    counted = db.session.execute(select(*(column.label(name) for name, column in columns.items()))).one()
    return Counts(**counted._mapping, mine=len(_held_cases(user)))


def decided_by(user: User, before: int | None) -> list[Review]:
    """One page of the user's own decisions plus one row, newest first."""
    statement = select(Review).where(Review.reviewer_id == user.id)
    if before is not None:
        statement = statement.where(Review.id < before)
    details = joinedload(Review.case).options(
        joinedload(Case.centre), selectinload(Case.images), selectinload(Case.reviews)
    )
    return list(db.session.scalars(statement.order_by(Review.id.desc()).limit(PAGE_SIZE + 1).options(details)))


def held_claim(case: Case) -> Claim | None:
    """The unreleased claim, expired or not."""
    statement = select(Claim).where(Claim.case_id == case.id, Claim.released_at.is_(None))
    return db.session.scalars(statement.options(joinedload(Claim.user))).one_or_none()


def expired_claims(now: datetime) -> list[Claim]:
    """Expired claims not yet released, locked for this transaction; those locked by others are skipped."""
    statement = select(Claim).join(Claim.case).where(Claim.released_at.is_(None), Claim.expires_at < now)
    return list(
        db.session.scalars(
            statement.options(contains_eager(Claim.case)).order_by(Claim.case_id).with_for_update(skip_locked=True)
        )
    )


def last_claim(case: Case) -> Claim | None:
    """The latest claim on a case, released or not."""
    statement = select(Claim).where(Claim.case_id == case.id).order_by(Claim.id.desc()).limit(1)
    return db.session.scalars(statement.options(joinedload(Claim.user), joinedload(Claim.took_over))).first()


def _free_cases(user: User, now: datetime) -> Select[Case]:
    """Open cases that nobody else has claimed, in the order of the user's worklist."""
    held = select(Claim.id).where(
        Claim.case_id == Case.id, Claim.released_at.is_(None), Claim.expires_at > now, Claim.user_id != user.id
    )
    statement = select(Case).where(*_open_to(user), ~held.exists())
    by_rank = () if user.reads_blinded else (Case.rank,)
    return statement.order_by(*by_rank, Case.waiting_since, Case.id)


def next_case(user: User, now: datetime) -> Case | None:
    """The first open case that nobody else has claimed."""
    return db.session.scalars(_free_cases(user, now).limit(1)).first()


def next_case_locked(user: User, now: datetime) -> Case | None:
    """The same, locked for this transaction; a case locked by a colleague is skipped."""
    return db.session.scalars(_free_cases(user, now).limit(1).with_for_update(of=Case, skip_locked=True)).first()


def colleagues(user: User) -> list[User]:
    """All other active dermatologists."""
    statement = select(User).where(User.role == Role.DERMATOLOGIST, User.active, User.id != user.id)
    return list(db.session.scalars(statement.order_by(User.name, User.id)))


def opinion_requests(user: User) -> list[OpinionRequest]:
    """The latest requests to and from this user, unanswered ones first."""
    waits, limit = OpinionRequest.answered_at.is_(None), 4 * PAGE_SIZE
    walks = [
        select(OpinionRequest.id).where(who, now).order_by(OpinionRequest.id.desc()).limit(limit)
        for who in (OpinionRequest.asked_of_id == user.id, OpinionRequest.asked_by_id == user.id)
        for now in (waits, ~waits)
    ]
    ids = union_all(*(select(walk.subquery().c.id) for walk in walks))
    statement = select(OpinionRequest).where(OpinionRequest.id.in_(ids))
    statement = statement.order_by((~waits), OpinionRequest.id.desc()).limit(limit)
    return list(db.session.scalars(statement.options(joinedload(OpinionRequest.case).joinedload(Case.centre))))


def opinions_waiting(user: User) -> int:
    """Opinions this user still has to give or read: each counted up to BADGE_MOST."""
    answered = OpinionRequest.answered_at
    to_give = OpinionRequest.asked_of_id == user.id, answered.is_(None)
    to_read = OpinionRequest.asked_by_id == user.id, OpinionRequest.seen_at.is_(None), answered.is_not(None)
    columns = [up_to(select(OpinionRequest.id).where(*conditions), BADGE_MOST) for conditions in (to_give, to_read)]
    return sum(db.session.execute(select(*columns)).one())


def management_options() -> list[ManagementOption]:
    """Every management option in the clinic's order, including those not offered."""
    known = {option.management: option for option in db.session.scalars(select(ManagementOption))}
    options = [known.get(management) or ManagementOption.as_shipped(management) for management in Management]
    return sorted(options, key=lambda option: option.position)
