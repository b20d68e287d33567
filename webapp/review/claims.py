"""One reader at a time: who has claimed a case, for how long, and how somebody else gets it.

A claim ends with the decision, when it is released, when it expires, or when a colleague takes the case over with a
reason; the colleague's claim then names the one it ended.
"""

from datetime import datetime, timedelta

from webapp import audit, metrics
from webapp.core.config import current_settings
from webapp.core.database import after_commit, one_by_one, store_so_far
from webapp.core.extensions import db
from webapp.models import Case, CaseState, Claim, TriageReason, User, utcnow
from webapp.review import queries, worklist_queries
from webapp.review.filters import Filters


class CaseTakenError(Exception):
    """Somebody else has claimed the case; ``claim`` says who, and until when."""

    def __init__(self, claim: Claim) -> None:
        super().__init__()
        self.claim = claim


class NotOpenError(Exception):
    """The case is already decided, closed or withdrawn."""


class ClaimLostError(Exception):
    """The reader has not claimed the case, or somebody else has since; ``by`` is the latest claim, if any."""

    def __init__(self, by: Claim | None) -> None:
        super().__init__()
        self.by = by


def claim(user: User, case: Case) -> Claim:
    """Claim a locked case for ``user``, or renew the user's own claim. Raises CaseTakenError or NotOpenError."""
    held = _held(case)
    if held is not None and held.user_id == user.id:
        held.expires_at = _until()
        return held
    if held is not None and held.expires_at > utcnow():
        raise CaseTakenError(held)
    if held is not None:
        _end(held, at=held.expires_at)
    fresh = begin(user, case)
    audit.record(user, "case.claimed", case)
    after_commit(lambda: metrics.claimed("free"))
    return fresh


def take_over(user: User, case: Case, seen: int, reason: str) -> Claim:
    """Claim a locked case from a colleague. ``seen`` is the id of the claim that ``user`` was shown.

    Raises NotOpenError, or CaseTakenError if another colleague has it by now.
    """
    held = _held(case)
    if held is None or held.user_id == user.id or held.expires_at <= utcnow():
        return claim(user, case)
    if held.id != seen:
        raise CaseTakenError(held)
    _end(held, at=utcnow())
    fresh = begin(user, case)
    fresh.took_over, fresh.reason = held, reason
    after_commit(lambda: metrics.claimed("taken over"))
    audit.record(user, "case.taken_over", case, before={"reader": held.user_id}, after={"reader": user.id})
    return fresh


def claim_next(user: User, filters: Filters) -> Case | None:
    """Claim the first matching case that nobody else has claimed; None if there is none."""
    for case_id in worklist_queries.front(user, filters):
        case = worklist_queries.open_case_locked(case_id)
        if case is None:
            continue  # a colleague was faster
        try:
            claim(user, case)
        except CaseTakenError:
            continue
        return case
    return None


def own_claim(user: User, case: Case) -> Claim:
    """The reader's claim, renewed. An expired one still counts, unless somebody else has claimed the case since.

    Raises NotOpenError or ClaimLostError.
    """
    if not case.is_open:
        raise NotOpenError
    last = queries.last_claim(case)
    if last is None or last.user_id != user.id or last.released_at not in (None, last.expires_at):
        raise ClaimLostError(last)
    return claim(user, case)


def keep(user: User, case: Case) -> None:
    """Renew the reader's claim as ``own_claim`` does, and store that at once: it holds even if the form is refused.

    The case is locked no longer. Raises NotOpenError or ClaimLostError.
    """
    own_claim(user, case)
    store_so_far()


def release(user: User, case: Case) -> None:
    """Release a locked case to the worklist, where it keeps its place. Raises ClaimLostError or NotOpenError."""
    held = _held(case)
    if held is None or held.user_id != user.id:
        raise ClaimLostError(queries.last_claim(case))
    held.released_at = utcnow()
    _hand_back(case)
    audit.record(user, "case.released", case)


def valid_claim(case: Case) -> Claim | None:
    """The claim on the case now, from rows already loaded."""
    now = utcnow()
    return next((claim for claim in case.claims if claim.released_at is None and claim.expires_at > now), None)


def release_expired() -> None:
    """Release every expired claim."""
    one_by_one(queries.expired_claims(utcnow()), _expire, "releasing an expired claim")


def _expire(claim: Claim) -> None:
    claim.released_at = claim.expires_at
    _hand_back(claim.case)
    audit.record(None, "claim.expired", claim.case)


def _held(case: Case) -> Claim | None:
    if not case.is_open:
        raise NotOpenError
    return queries.held_claim(case)


def _until() -> datetime:
    return utcnow() + timedelta(minutes=current_settings().claim_minutes)


def begin(user: User, case: Case) -> Claim:
    """Reserve a locked case that nobody holds."""
    fresh = Claim(case_id=case.id, user_id=user.id, claimed_at=utcnow(), expires_at=_until())
    db.session.add(fresh)
    case.move_to(CaseState.IN_REVIEW)
    return fresh


def _end(held: Claim, at: datetime) -> None:
    held.released_at = at
    db.session.flush()  # the unique "held" index must see the release before the next claim


def _hand_back(case: Case) -> None:
    if case.state is CaseState.IN_REVIEW:
        unanalysed = case.triage_reason is TriageReason.AWAITING_ANALYSIS
        case.move_to(CaseState.SUBMITTED if unanalysed else CaseState.AWAITING_REVIEW)
