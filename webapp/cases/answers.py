"""Opening an answer, handing it out as a letter, and closing the case."""

from webapp import audit
from webapp.cases import queries
from webapp.cases.service import CaseChangedError
from webapp.core.database import begin_to_write
from webapp.core.extensions import db
from webapp.models import Case, CaseState, Receipt, Role, Unread, User, utcnow


def open_answer(user: User, number: str) -> Case | None:
    """The case, with its answer marked as opened by ``user``, for good.

    The case is locked and read again first, so that an answer just being taken back is neither shown nor marked.
    """
    case = queries.find(user, number)
    if case is None or not (_is_unopened(user, case) or any(row.user_id == user.id for row in case.unread_by)):
        return case
    case = queries.find_locked(user, number)
    if case is not None:
        _note_reading(user, case)
    return case


def hand_out_letter(user: User, number: str, review_id: int) -> None:
    """Record that a letter about this decision is downloaded; for a GP that opens the answer.

    The request has only read so far. Raises CaseChangedError if the decision is no longer in force.
    """
    begin_to_write()
    case = queries.find_locked(user, number)
    if case is None or not case.has_letter or case.standing_review is None or case.standing_review.id != review_id:
        raise CaseChangedError
    if user.role is Role.GP:
        _note_reading(user, case)
    audit.record(user, "letter.made", case)


def _is_unopened(user: User, case: Case) -> bool:
    """Whether there is an answer that ``user`` has not opened."""
    review = case.standing_review
    return review is not None and not review.opened_by(user) and not case.is_dropped


def _note_reading(user: User, case: Case) -> None:
    """Note that ``user`` opens a locked case. What nobody had opened stays unread for the others at the centre."""
    note_opening(user, case)
    if case.unread:
        case.unread = False
        _tell(case, queries.gps_at(case.centre_id), but=user)
    review = case.standing_review
    if review is not None and _is_unopened(user, case):
        review.receipts.append(Receipt(user_id=user.id))
        db.session.flush()
        audit.record(user, "answer.read", review)


def tell_others(case: Case, but: User) -> None:
    """The centre's GPs, and whose decision is in force, have yet to open the case, except ``but``, who changed it."""
    review = case.standing_review
    _tell(case, [*queries.gps_at(case.centre_id), *([review.reviewer_id] if review else [])], but)


def _tell(case: Case, people: list[int], but: User) -> None:
    known = {but.id, *(row.user_id for row in case.unread_by)}
    case.unread_by += [Unread(user_id=person) for person in people if person not in known]


def note_opening(user: User, case: Case) -> None:
    """``user`` opens the case, which is no longer news."""
    for row in [row for row in case.unread_by if row.user_id == user.id]:
        case.unread_by.remove(row)


def close(user: User, case: Case) -> None:
    """The GP has read the answer; whoever follows the case has still to read it, colleagues have not.

    Raises CaseChangedError unless there is an answer that ``user`` has opened.
    """
    if case.state is CaseState.CLOSED:
        return
    if case.state is not CaseState.REVIEWED or _is_unopened(user, case):
        raise CaseChangedError
    case.move_to(CaseState.CLOSED)
    case.unread_by = [row for row in case.unread_by if row.user_id == case.responsible_id]
    case.closed_at = utcnow()
    audit.record(user, "case.closed", case, before={"state": "reviewed"}, after={"state": "closed"})
