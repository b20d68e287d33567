"""The only place that selects for the dermatologist: worklist pages, claims."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Row, func, literal, select, tuple_
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from webapp.cases.queries import visible_to
from webapp.extensions import db
from webapp.models import Case, Claim, Image, Management, ManagementOption, Review, User
from webapp.models.base import UtcDateTime
from webapp.parameters import row_id

PAGE_SIZE = 25


@dataclass(frozen=True)
class Cursor:
    """The place after which a page begins; travels in the address."""

    rank: float
    waiting_since: datetime
    case_id: int

    def __str__(self) -> str:
        microseconds = round(self.waiting_since.timestamp() * 1_000_000)
        return f"{self.rank!r}~{microseconds}~{self.case_id}"

    @classmethod
    def parse(cls, text: str) -> "Cursor | None":
        """None for text that is not a cursor: the page then begins at the top."""
        try:
            rank, microseconds, case_id = text.split("~")
            if not math.isfinite(float(rank)):
                return None
            moment = datetime.fromtimestamp(int(microseconds) // 1_000_000, UTC)
            return cls(float(rank), moment.replace(microsecond=int(microseconds) % 1_000_000), row_id(case_id))
        except (ValueError, OverflowError, OSError):
            return None

    @classmethod
    def after(cls, case: Case) -> "Cursor":
        return cls(case.rank, case.waiting_since, case.id)


def worklist(user: User, cursor: Cursor | None) -> list[Case]:
    """One page of open cases and one row more: needs-a-person first, then P(BCC) descending, waiting time, id."""
    statement = select(Case).where(Case.is_open, visible_to(user))
    if cursor is not None:
        place = tuple_(literal(cursor.rank), literal(cursor.waiting_since, UtcDateTime), literal(cursor.case_id))
        statement = statement.where(tuple_(Case.rank, Case.waiting_since, Case.id) > place)
    statement = (
        statement.order_by(Case.rank, Case.waiting_since, Case.id)
        .limit(PAGE_SIZE + 1)
        .options(
            joinedload(Case.centre),
            selectinload(Case.images).selectinload(Image.analyses),
            selectinload(Case.claims).joinedload(Claim.user),
        )
    )
    return list(db.session.scalars(statement))


def open_counts(user: User) -> Row[int, int]:
    """(open cases, of these needing a person)."""
    statement = select(func.count(), func.count().filter(Case.needs_person)).where(Case.is_open, visible_to(user))
    return db.session.execute(statement.select_from(Case)).one()


def decided_by(user: User, before: int | None) -> list[Review]:
    """The user's own decisions and one row more, newest first."""
    statement = select(Review).where(Review.reviewer_id == user.id)
    if before is not None:
        statement = statement.where(Review.id < before)
    details = joinedload(Review.case).options(joinedload(Case.centre), selectinload(Case.images))
    return list(db.session.scalars(statement.order_by(Review.id.desc()).limit(PAGE_SIZE + 1).options(details)))


def held_claim(case: Case) -> Claim | None:
    """The claim row that is not released, expired or not."""
    statement = select(Claim).where(Claim.case_id == case.id, Claim.released_at.is_(None))
    return db.session.scalars(statement.options(joinedload(Claim.user))).one_or_none()


def expired_claims(now: datetime) -> list[Claim]:
    """Unreleased claims that ran out, held for this transaction; those that somebody is just using are left out."""
    statement = select(Claim).join(Claim.case).where(Claim.released_at.is_(None), Claim.expires_at < now)
    return list(
        db.session.scalars(
            statement.options(contains_eager(Claim.case)).order_by(Case.id).with_for_update(skip_locked=True)
        )
    )


def last_claim(case: Case) -> Claim | None:
    """The latest claim on a case, held or not."""
    return db.session.scalars(select(Claim).where(Claim.case_id == case.id).order_by(Claim.id.desc()).limit(1)).first()


def next_case(user: User, now: datetime) -> Case | None:
    """The topmost open case that nobody else holds."""
    held = select(Claim.id).where(
        Claim.case_id == Case.id, Claim.released_at.is_(None), Claim.expires_at > now, Claim.user_id != user.id
    )
    statement = select(Case).where(Case.is_open, visible_to(user), ~held.exists())
    return db.session.scalars(statement.order_by(Case.rank, Case.waiting_since, Case.id).limit(1)).first()


def management_options() -> list[ManagementOption]:
    """Every way of management in the clinic's order, those that are not on offer included."""
    known = {option.management: option for option in db.session.scalars(select(ManagementOption))}
    options = [known.get(management) or ManagementOption.as_shipped(management) for management in Management]
    return sorted(options, key=lambda option: option.position)
