"""The rules of deciding: whoever holds the case decides, with the words it needs; the row never changes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ml.patterns import Pattern
from webapp import audit, recall
from webapp.analysis import triage
from webapp.extensions import db
from webapp.models import (
    Assessment,
    Case,
    CaseState,
    Diagnosis,
    Management,
    PatternAnswer,
    Review,
    TriageReason,
    User,
    utcnow,
)
from webapp.review import claims, queries
from webapp.review.blinded import hides_model


class WordsMissingError(ValueError):
    """A decision in the risky direction needs a reason, a request for new images words; ``field`` says where."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class ResultArrivedError(Exception):
    """While the reader looked, the model has answered and suspects a cancer: it must be seen before the decision."""


class ImpressionMissingError(Exception):
    """The reader reads blinded and has not given an impression without the model yet."""


def is_risky(case: Case, diagnosis: Diagnosis, management: Management) -> bool:
    """A reassuring choice, although the model sees a BCC or has not answered, or somebody has suspected a cancer."""
    cancer = diagnosis in (Diagnosis.BCC, Diagnosis.NOT_BCC_MALIGNANT) or case.recalled is not None
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


def decide(user: User, case: Case, decision: Decision, seen: frozenset[int] | None = None) -> Review:
    """Store the decision on a locked case and answer the GP, or ask the GP for new images.

    ``seen``: ids of the analyses that the reader was shown, None where that is not known.
    Raises claims.NotOpenError, claims.ClaimLostError, ImpressionMissingError, ResultArrivedError or WordsMissingError.
    """
    if hides_model(user, case):
        raise ImpressionMissingError
    held = claims.own_claim(user, case)
    if seen is not None and any(triage.suspects_cancer(a) for a in triage.done(case) if a.id not in seen):
        raise ResultArrivedError
    demand_words(case, decision)
    before = case.standing_review
    review = store(user, case, decision)
    review.claim_id, review.amends = held.id, before
    recall.settle(case, review)
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
    return review


def answer(case: Case, review: Review) -> None:
    """Put ``review`` before the GP: as an answer, or as a request for new images."""
    case.move_to(CaseState.RETAKE_REQUESTED if review.asks_for_images else CaseState.REVIEWED)
    case.unread = case.state is CaseState.REVIEWED and review.receipt is None
    case.closed_at = None


def in_short(review: Review) -> dict[str, str]:
    """What the audit trail keeps of a decision: never its free text."""
    return {"diagnosis": review.diagnosis.value, "management": review.management.value}


def demand_words(case: Case, decision: Decision) -> None:
    """Raises WordsMissingError."""
    if is_risky(case, decision.diagnosis, decision.management) and not decision.override_reason:
        raise WordsMissingError(
            "override_reason",
            "Enter a reason: this option is reassuring, but you or the model suspect a cancer, "
            "the analysis is not finished, or the case was re-opened.",
        )
    if decision.management is Management.RETAKE and not decision.advice:
        raise WordsMissingError("advice", "Tell the GP what the new images should show.")
