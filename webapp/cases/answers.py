"""Opening an answer, handing it out as a letter, and closing the case."""

from webapp import audit
from webapp.cases import queries
from webapp.cases.service import CaseChangedError
from webapp.core.extensions import db
from webapp.models import Case, CaseState, Receipt, Role, User, utcnow


def open_answer(user: User, number: str) -> Case | None:
    """The case, with its answer marked as opened: the first time counts as read at the centre, for good.

    The case is locked and read again first, so that an answer just being taken back is neither shown nor marked.
    """
    case = queries.find(user, number)
    if case is None or not _is_unopened(case):
        return case
    case = queries.find_locked(user, number)
    if case is not None:
        _note_reading(user, case)
    return case


def hand_out_letter(user: User, number: str, review_id: int) -> None:
    """Record that a letter about this decision is downloaded; for a GP that opens the answer.

    Raises CaseChangedError if the decision is no longer in force.
    """
    case = queries.find_locked(user, number)
    if case is None or not case.has_letter or case.standing_review is None or case.standing_review.id != review_id:
        raise CaseChangedError
    if user.role is Role.GP:
        _note_reading(user, case)
    audit.record(user, "letter.made", case)


def _is_unopened(case: Case) -> bool:
    review = case.standing_review
    return review is not None and review.receipt is None and case.state is not CaseState.WITHDRAWN


def _note_reading(user: User, case: Case) -> None:
    """Note who at the centre first opens the answer of a locked case, and when."""
    review = case.standing_review
    if review is None or not _is_unopened(case):
        return
    db.session.add(Receipt(review_id=review.id, user_id=user.id))
    case.unread = False
    db.session.flush()
    db.session.refresh(review, ["receipt"])
    audit.record(user, "answer.read", review)


def close(user: User, case: Case) -> None:
    """The GP has read the answer. Raises CaseChangedError unless there is one and it has been opened."""
    if case.state is CaseState.CLOSED:
        return
    if case.state is not CaseState.REVIEWED or _is_unopened(case):
        raise CaseChangedError
    case.move_to(CaseState.CLOSED)
    case.closed_at = utcnow()
    audit.record(user, "case.closed", case, before={"state": "reviewed"}, after={"state": "closed"})
