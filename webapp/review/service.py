"""The rules of reading: one reader at a time, and a decision that never changes once it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from flask import current_app

from ml.patterns import Pattern
from webapp import audit
from webapp.extensions import db
from webapp.models import (
    Assessment,
    Case,
    CaseState,
    Claim,
    Diagnosis,
    Management,
    PatternAnswer,
    Review,
    TriageReason,
    User,
    utcnow,
)
from webapp.review import queries


class BusyError(Exception):
    """Somebody else holds the case; ``claim`` says who, and until when."""

    def __init__(self, claim: Claim) -> None:
        super().__init__()
        self.claim = claim


class NotOpenError(Exception):
    """The case is already decided, closed or withdrawn."""


class ClaimLostError(Exception):
    """The reader has not reserved the case, or somebody else came between."""


class AdviceMissingError(ValueError):
    """A request for new images must say what they should show."""


class ReasonMissingError(ValueError):
    """A decision in the risky direction needs a reason."""


def claim(user: User, case: Case) -> Claim:
    """Reserve a locked case for ``user``; renews an own claim. Raises BusyError or NotOpenError."""
    if not case.is_open:
        raise NotOpenError
    now = utcnow()
    held = queries.held_claim(case)
    until = now + timedelta(minutes=current_app.extensions["settings"].claim_minutes)
    if held is not None and held.user_id == user.id:
        held.expires_at = until
        return held
    if held is not None and held.expires_at > now:
        raise BusyError(held)
    if held is not None:
        held.released_at = held.expires_at
        db.session.flush()  # the unique "held" index must see the release first
    fresh = Claim(case_id=case.id, user_id=user.id, claimed_at=now, expires_at=until)
    db.session.add(fresh)
    case.move_to(CaseState.IN_REVIEW)
    audit.record(user, "case.claimed", case)
    return fresh


def _hand_back(case: Case) -> None:
    if case.state is CaseState.IN_REVIEW:
        unanalysed = case.triage_reason is TriageReason.AWAITING_ANALYSIS
        case.move_to(CaseState.SUBMITTED if unanalysed else CaseState.AWAITING_REVIEW)


def release(user: User, case: Case) -> None:
    """Hand a locked case back to the worklist, where it keeps its place."""
    held = queries.held_claim(case)
    if held is None or held.user_id != user.id:
        return
    held.released_at = utcnow()
    _hand_back(case)
    audit.record(user, "case.released", case)


def release_expired() -> None:
    """Hand back every case whose reader let the claim run out."""
    for claim in queries.expired_claims(utcnow()):
        claim.released_at = claim.expires_at
        _hand_back(claim.case)
        audit.record(None, "claim.expired", claim.case)


def is_risky(case: Case, diagnosis: Diagnosis, management: Management) -> bool:
    """A reassuring choice, though the model sees a BCC or has not answered, or the reader's diagnosis is a cancer."""
    cancer = diagnosis in (Diagnosis.BCC, Diagnosis.NOT_BCC_MALIGNANT)
    unanswered = case.triage_reason is TriageReason.AWAITING_ANALYSIS  # its answer would come too late to be seen
    reassuring = {option.management for option in queries.management_options() if option.reassuring}
    return management in reassuring and (cancer or unanswered or model_sees_bcc(case))


def model_sees_bcc(case: Case) -> bool:
    return any(image.current_analysis is not None and image.current_analysis.bcc for image in case.images)


@dataclass(frozen=True)
class Decision:
    """What the reader decided; ``advice`` goes to the GP, ``override_reason`` stays with the case."""

    diagnosis: Diagnosis
    management: Management
    advice: str = ""
    override_reason: str = ""
    assessments: Mapping[Pattern, PatternAnswer] = field(default_factory=dict)


def decide(user: User, case: Case, decision: Decision) -> Review:
    """Store the decision on a locked case and answer the GP, or ask the GP for new images.

    Raises NotOpenError, ClaimLostError, ReasonMissingError or AdviceMissingError.
    """
    held = _own_claim(user, case)
    _demand_words(case, decision)
    now = utcnow()
    review = Review(
        case=case,
        reviewer=user,
        claim_id=held.id,
        diagnosis=decision.diagnosis,
        management=decision.management,
        advice=decision.advice,
        override_reason=decision.override_reason,
        decided_at=now,
        assessments=[Assessment(pattern=pattern, answer=answer) for pattern, answer in decision.assessments.items()],
    )
    db.session.add(review)
    held.released_at = now
    retake = decision.management is Management.RETAKE
    case.move_to(CaseState.RETAKE_REQUESTED if retake else CaseState.REVIEWED)
    after = {"diagnosis": decision.diagnosis.value, "management": decision.management.value}
    audit.record(user, "case.decided", case, after=after)
    return review


def _own_claim(user: User, case: Case) -> Claim:
    """The reader's claim. One that ran out is renewed, so that slow reading counts, unless another came between."""
    if not case.is_open:
        raise NotOpenError
    last = queries.last_claim(case)
    if last is None or last.user_id != user.id or last.released_at not in (None, last.expires_at):
        raise ClaimLostError
    return claim(user, case)


def _demand_words(case: Case, decision: Decision) -> None:
    if is_risky(case, decision.diagnosis, decision.management) and not decision.override_reason:
        raise ReasonMissingError(
            "Please give a reason: a reassuring choice, although the model or your diagnosis says cancer, "
            "or the analysis is still running."
        )
    if decision.management is Management.RETAKE and not decision.advice:
        raise AdviceMissingError("Please tell the GP what the new images should show better.")
