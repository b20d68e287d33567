"""Taking a decision back within a short time, or amending it later. A decision's row never changes."""

from datetime import datetime, timedelta

from webapp import audit
from webapp.core.config import current_settings
from webapp.core.extensions import db
from webapp.models import DECIDED_STATES, Case, CaseState, Retraction, Review, User, utcnow
from webapp.review import claims, service
from webapp.review.service import Decision
from webapp.triage import rank, reopen
from webapp.triage.risk import Shown

UNREAD = (CaseState.REVIEWED, CaseState.RETAKE_REQUESTED)


class ChangedMeanwhileError(Exception):
    """The decision in force is not the one the reader saw, or the case is open again."""


class TooLateError(Exception):
    """The decision can no longer be taken back: the time is up, or the GP has read it."""


def undo_until(review: Review) -> datetime:
    return review.decided_at + timedelta(minutes=current_settings().undo_minutes)


def can_undo(user: User, case: Case) -> bool:
    """Whether ``user`` may take back the decision in force."""
    review = case.standing_review
    if review is None or review.reviewer_id != user.id or review.receipt is not None:
        return False
    return case.state in UNREAD and utcnow() < undo_until(review)


def undo(user: User, case: Case, seen: int) -> None:
    """Take back the decision ``seen`` on a locked case: the previous one applies again, or the case is reviewed again.

    Raises ChangedMeanwhileError or TooLateError.
    """
    review = _in_force(case, seen)
    if not can_undo(user, case):
        raise TooLateError
    review.retraction = Retraction(user_id=user.id)
    db.session.flush()
    earlier = case.standing_review
    if review.claim_id is None and earlier is not None:
        service.answer(case, earlier)
    else:
        claims.begin(user, case)
    if review.reopened is not None:
        reopen.ask_again(case, review.reopened)
    rank.refresh(case)
    audit.record(user, "case.decision_undone", case, before=service.in_short(review))


def amend(user: User, case: Case, seen: int, decision: Decision, reason: str, shown: Shown) -> Review:
    """Replace the decision ``seen`` on a locked case with a new one, which the GP has not read yet.

    ``shown``: as in service.decide. Raises ChangedMeanwhileError, service.UnseenError or service.IncompleteError.
    """
    before = _in_force(case, seen)
    service.demand_a_look(user, case, decision, shown)
    service.demand_words(case, decision)
    review = service.store(user, case, decision, shown)
    review.amends, review.amendment_reason = before, reason
    audit.record(user, "case.amended", case, before=service.in_short(before), after=service.in_short(review))
    return review


def can_amend(case: Case) -> bool:
    return case.state in DECIDED_STATES and case.standing_review is not None


def _in_force(case: Case, seen: int) -> Review:
    review = case.standing_review
    if review is None or review.id != seen or not can_amend(case):
        raise ChangedMeanwhileError
    return review
