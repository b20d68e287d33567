"""What somebody must not see yet, so that their own judgement is made without it.

A reader who reads blinded sees nothing of the model, nor of what was decided with its help, before recording an
impression; a colleague asked for a second opinion sees no decision before giving it; a GP sees neither before opening
the answer.
"""

from webapp.models import Case, Impression, OpinionRequest, Role, User


def request_for(user: User, case: Case) -> OpinionRequest | None:
    """The open request for this user's opinion; none once nobody is to decide the case."""
    if case.is_dropped:
        return None
    waiting = [request for request in case.opinion_requests if request.opinion is None]
    return next((request for request in waiting if request.asked_of_id == user.id), None)


def impression_of(user: User, case: Case) -> Impression | None:
    """The user's last impression of the case since its newest image was added."""
    newest = max((image.stored_at for image in case.images), default=case.submitted_at)
    own = [found for found in case.impressions if found.user_id == user.id and found.given_at >= newest]
    return own[-1] if own else None


def hides_model(user: User, case: Case) -> bool:
    """Whether the model's result must not be shown to ``user`` yet."""
    if user.role is Role.GP:
        return _unopened(case)
    judging = case.is_open or request_for(user, case) is not None
    return user.reads_blinded and judging and impression_of(user, case) is None


def hides_decisions(user: User, case: Case) -> bool:
    """Whether decisions, second opinions and histology must not be shown to ``user`` yet."""
    if user.role is Role.GP:
        return _unopened(case)
    return request_for(user, case) is not None or hides_model(user, case)


def what_comes_first(user: User, case: Case) -> str:
    """What a dermatologist has to do before seeing decisions, in words; empty if nothing."""
    if user.role is Role.GP:
        return ""
    if hides_model(user, case):
        return "Blinded reading is on: please record your own impression first."
    if request_for(user, case) is not None:
        return "Please give your second opinion first. Until then you cannot see the decision."
    return ""


def _unopened(case: Case) -> bool:
    """Whether there is no answer, or nobody at the centre has opened it."""
    review = case.standing_review
    return review is None or review.receipt is None
