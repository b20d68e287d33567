"""Taking a decision back within a short time, or amending it later. A decision's row never changes."""

from datetime import datetime, timedelta

from webapp import audit
from webapp.core.config import current_settings
from webapp.core.extensions import db
from webapp.core.filters import local_time
from webapp.models import DECIDED_STATES, Case, CaseState, Retraction, Review, User, utcnow
from webapp.review import claims, service
from webapp.review.service import Decision
from webapp.triage import rank, reopen
from webapp.triage.risk import Shown

UNREAD = (CaseState.REVIEWED, CaseState.RETAKE_REQUESTED)


class ChangedMeanwhileError(Exception):
    """The decision in force is not the one the reader saw, or the case is open again."""


class TooLateError(Exception):
    """The decision cannot be taken back; the message says why, in the reader's words."""


def undo_until(review: Review) -> datetime:
    return review.decided_at + timedelta(minutes=current_settings().undo_minutes)


def can_undo(user: User, case: Case) -> bool:
    """Whether ``user`` may take back the decision in force."""
    return not why_not_undo(user, case)


def why_not_undo(user: User, case: Case) -> str:
    """What speaks against it, in words; empty if ``user`` may."""
    review = case.standing_review
    if review is None or review.reviewer_id != user.id:
        return "only its reader can take a decision back"
    if review.receipt is not None:
        return f"{review.receipt.user.name} opened it at {local_time(review.receipt.outcome_seen_at).striptags()}"
    if case.state not in UNREAD:
        return "the case has been closed, withdrawn or re-opened since"
    if utcnow() >= undo_until(review):
        return f"the time for it ended at {local_time(undo_until(review)).striptags()}"
    return ""


def undo(user: User, case: Case, seen: int) -> None:
    """Take back the decision ``seen`` on a locked case: the previous one applies again, or the case is reviewed again.

    Raises ChangedMeanwhileError or TooLateError.
    """
    review = _in_force(case, seen)
    if why := why_not_undo(user, case):
        raise TooLateError(why)
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
