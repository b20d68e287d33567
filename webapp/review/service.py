"""The rules of deciding: whoever holds the case decides, with the words it needs; the row never changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ml.patterns import Pattern
from webapp import audit
from webapp.core.extensions import db
from webapp.models import (
    Assessment,
    Case,
    CaseState,
    Diagnosis,
    Management,
    PatternAnswer,
    Review,
    User,
    utcnow,
)
from webapp.review import claims, queries
from webapp.review.blinded import hides_model
from webapp.triage import reopen, risk
from webapp.triage.risk import Shown


class WordsMissingError(ValueError):
    """A decision in the risky direction needs a reason, a request for new images words; ``field`` says where."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class UnseenError(Exception):
    """Something has come while the reader looked, and must be seen before deciding; ``what`` says what, in words."""

    def __init__(self, what: list[str]) -> None:
        super().__init__()
        self.what = what


class ImpressionMissingError(Exception):
    """The reader reads blinded and has not given an impression without the model yet."""


@dataclass(frozen=True)
class Decision:
    """What the reader decided; ``advice`` goes to the GP, ``override_reason`` stays with the case."""

    diagnosis: Diagnosis
    management: Management
    advice: str = ""
    override_reason: str = ""
    assessments: Mapping[Pattern, PatternAnswer] = field(default_factory=dict)


def decide(user: User, case: Case, decision: Decision, shown: Shown | None = None) -> Review:
    """Store the decision on a locked case and answer the GP, or ask the GP for new images.

    ``shown``: what was on the reader's page, None where that is not known.
    Raises claims.NotOpenError, claims.ClaimLostError, ImpressionMissingError, UnseenError or WordsMissingError.
    """
    if hides_model(user, case):
        raise ImpressionMissingError
    held = claims.own_claim(user, case)
    demand_a_look(case, shown)
    demand_words(case, decision)
    before = case.standing_review
    review = store(user, case, decision)
    review.claim_id, review.amends = held.id, before
    held.released_at = review.decided_at
    audit.record(user, "case.decided", case, after=in_short(review))
    return review


def store(user: User, case: Case, decision: Decision) -> Review:
    """The decision as a new row, which is in force from now on and not yet read by the GP."""
    review = Review(
        case=case,
        reviewer=user,
        diagnosis=decision.diagnosis,
        management=decision.management,
        advice=decision.advice,
        override_reason=decision.override_reason,
        decided_at=utcnow(),
        assessments=[Assessment(pattern=pattern, answer=answer) for pattern, answer in decision.assessments.items()],
    )
    db.session.add(review)
    answer(case, review)
    reopen.settle(case, review)
    return review


def answer(case: Case, review: Review) -> None:
    """Put ``review`` before the GP: as an answer, or as a request for new images."""
    case.move_to(CaseState.RETAKE_REQUESTED if review.asks_for_images else CaseState.REVIEWED)
    case.unread = case.state is CaseState.REVIEWED and review.receipt is None
    case.closed_at = None


def in_short(review: Review) -> dict[str, str]:
    """What the audit trail keeps of a decision: never its free text."""
    return {"diagnosis": review.diagnosis.value, "management": review.management.value}


def demand_a_look(case: Case, shown: Shown | None) -> None:
    """Raises UnseenError."""
    if shown is not None and (what := risk.unseen(case, shown)):
        raise UnseenError(what)


def demand_words(case: Case, decision: Decision) -> None:
    """Raises WordsMissingError."""
    concerns = risk.reasons_for_concern(case, decision.diagnosis)
    if _reassures(decision) and concerns and not decision.override_reason:
        raise WordsMissingError("override_reason", f"Enter a reason: {risk.joined(concerns)}.")
    if decision.management is Management.RETAKE and not decision.advice:
        raise WordsMissingError("advice", "Tell the GP what the new images should show.")


def _reassures(decision: Decision) -> bool:
    """Whether the clinic counts this management as one that keeps the patient from dermatology."""
    options = {option.management: option.reassuring for option in queries.management_options()}
    return options[decision.management]
