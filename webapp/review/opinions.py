"""Second opinions: a colleague is asked and answers without seeing the first reader's decision; both are kept."""

from webapp import audit
from webapp.cases.blindness import request_for
from webapp.core.extensions import db
from webapp.models import Case, Diagnosis, Management, Opinion, OpinionRequest, User, utcnow
from webapp.review.claims import valid_claim
from webapp.triage import reopen


class NotAskedError(Exception):
    """Nobody has asked this reader for an opinion on the case, or it has been given."""


class NotYoursError(Exception):
    """Only the dermatologist who has claimed the case, or made the decision in force, may ask for a second opinion."""


class AskedAlreadyError(Exception):
    """The colleague has already been asked and has not answered yet."""


def may_ask(user: User, case: Case) -> bool:
    held, standing = valid_claim(case), case.standing_review if not case.is_dropped else None
    reading = case.is_open and held is not None and held.user_id == user.id
    return reading or (standing is not None and standing.reviewer_id == user.id)


def ask(user: User, case: Case, colleague: User, question: str) -> OpinionRequest:
    """Ask ``colleague`` about a locked case. Raises NotYoursError or AskedAlreadyError."""
    if not may_ask(user, case) or colleague.id == user.id:
        raise NotYoursError
    if request_for(colleague, case) is not None:
        raise AskedAlreadyError
    request = OpinionRequest(case=case, asked_by=user, asked_of=colleague, question=question)
    db.session.add(request)
    audit.record(user, "opinion.asked", case, after={"of": colleague.id})
    return request


def give(user: User, case: Case, diagnosis: Diagnosis, management: Management, remark: str) -> Opinion:
    """Store the opinion that ``user`` was asked for on a locked case. Raises NotAskedError."""
    request = request_for(user, case)
    if request is None:
        raise NotAskedError
    opinion = Opinion(diagnosis=diagnosis, management=management, remark=remark)
    request.opinion, request.answered_at = opinion, utcnow()
    audit.record(user, "opinion.given", case, after={"diagnosis": diagnosis.value, "management": management.value})
    reopen.after_opinion(case, opinion)
    return opinion


def unread(user: User, case: Case) -> list[OpinionRequest]:
    """Opinions that nobody has marked as read and that ``user`` may: whoever asked, or has claimed the case."""
    held = valid_claim(case)
    reads = case.is_open and held is not None and held.user_id == user.id
    waiting = [request for request in case.opinion_requests if request.opinion is not None and request.seen_at is None]
    return [request for request in waiting if reads or request.asked_by_id == user.id]


def acknowledge(user: User, case: Case) -> None:
    """Mark as read what ``user`` may mark."""
    for request in unread(user, case):
        request.seen_at = utcnow()
        audit.record(user, "opinion.read", case)
