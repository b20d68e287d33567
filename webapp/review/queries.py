"""All queries for the dermatologist's pages but the worklist: decisions, claims, opinions."""

from datetime import datetime

from sqlalchemy import Select, select, union_all
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from webapp.cases.queries import BADGE_MOST
from webapp.core.counts import up_to
from webapp.core.extensions import db
from webapp.models import (
    DROPPED_STATES,
    Case,
    Claim,
    Management,
    ManagementOption,
    OpinionRequest,
    Review,
    Role,
    Unread,
    User,
)

PAGE_SIZE = 25


def decided_by(user: User, before: int | None) -> list[Review]:
    """One page of the user's own decisions plus one row, newest first."""
    statement = select(Review).where(Review.reviewer_id == user.id)
    if before is not None:
        statement = statement.where(Review.id < before)
    details = joinedload(Review.case).options(
        joinedload(Case.centre), selectinload(Case.images), selectinload(Case.reviews), joinedload(Case.voiding)
    )
    return list(db.session.scalars(statement.order_by(Review.id.desc()).limit(PAGE_SIZE + 1).options(details)))


def changed_since(user: User) -> list[Case]:
    """Cases that this user decided and that were corrected or voided since, until the user opens them; newest first."""
    statement = select(Case).where(Case.id.in_(_unread_by(user))).order_by(Case.id.desc()).limit(4 * PAGE_SIZE)
    shown = joinedload(Case.centre), joinedload(Case.voiding), selectinload(Case.images)
    return list(db.session.scalars(statement.options(*shown)))


def _unread_by(user: User) -> Select[int]:
    return select(Unread.case_id).where(Unread.user_id == user.id)


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


def colleagues(user: User) -> list[User]:
    """All other active dermatologists."""
    statement = select(User).where(User.role == Role.DERMATOLOGIST, User.active, User.id != user.id)
    return list(db.session.scalars(statement.order_by(User.name, User.id)))


def _requests() -> Select[int]:
    """Ids of the requests on cases that were neither withdrawn nor voided."""
    return select(OpinionRequest.id).join(OpinionRequest.case).where(Case.state.not_in(DROPPED_STATES))


def opinion_requests(user: User) -> list[OpinionRequest]:
    """The latest requests to and from this user, unanswered ones first."""
    waits, limit = OpinionRequest.answered_at.is_(None), 4 * PAGE_SIZE
    walks = [
        _requests().where(who, now).order_by(OpinionRequest.id.desc()).limit(limit)
        for who in (OpinionRequest.asked_of_id == user.id, OpinionRequest.asked_by_id == user.id)
        for now in (waits, ~waits)
    ]
    ids = union_all(*(select(walk.subquery().c.id) for walk in walks))
    statement = select(OpinionRequest).where(OpinionRequest.id.in_(ids))
    statement = statement.order_by((~waits), OpinionRequest.id.desc()).limit(limit)
    return list(db.session.scalars(statement.options(joinedload(OpinionRequest.case).joinedload(Case.centre))))


def waiting(user: User) -> tuple[int, int]:
    """Opinions this user still has to give or read, and cases of ``changed_since``: each counted up to BADGE_MOST."""
    answered = OpinionRequest.answered_at
    to_give = OpinionRequest.asked_of_id == user.id, answered.is_(None)
    to_read = OpinionRequest.asked_by_id == user.id, OpinionRequest.seen_at.is_(None), answered.is_not(None)
    columns = [_requests().where(*to_give), _requests().where(*to_read), _unread_by(user)]
    counted = db.session.execute(select(*[up_to(column, BADGE_MOST) for column in columns])).one()
    return counted[0] + counted[1], counted[2]


def management_options() -> list[ManagementOption]:
    """Every management option in the clinic's order, including those not offered."""
    known = {option.management: option for option in db.session.scalars(select(ManagementOption))}
    options = [known.get(management) or ManagementOption.as_shipped(management) for management in Management]
    return sorted(options, key=lambda option: option.position)
