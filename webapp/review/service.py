"""The rules of deciding: only with a claim on the case, with a reason where one is needed; the row never changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ml.patterns import Pattern
from webapp import audit
from webapp.cases import blindness
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
from webapp.review import claims, marks, opinions, queries
from webapp.review.marks import MarksError, PlacedMark
from webapp.triage import concern, reopen, risk
from webapp.triage.risk import Shown


class IncompleteError(ValueError):
    """Reassuring despite concern needs a reason, a request for new images an instruction, a second opinion must be
    read, and marks are on images of the case; ``field`` says which.
    """

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class UnseenError(Exception):
    """Something arrived during the review and must be seen before deciding; ``what`` says what, in words."""

    def __init__(self, what: list[str]) -> None:
        super().__init__()
        self.what = what


class NotYetError(Exception):
    """The reader must first record an impression, or give a second opinion; the message says which."""


@dataclass(frozen=True)
class Decision:
    """A decision. The GP sees ``advice`` and ``marks``, but neither ``override_reason`` nor that the model was wrong.

    ``opinion_read``: the reader says so with it.
    """

    diagnosis: Diagnosis
    management: Management
    advice: str = ""
    override_reason: str = ""
    assessments: Mapping[Pattern, PatternAnswer] = field(default_factory=dict)
    model_wrong: bool = False
    opinion_read: bool = False
    marks: Sequence[PlacedMark] = ()


def decide(user: User, case: Case, decision: Decision, shown: Shown) -> Review:
    """Store the decision on a locked case and answer the GP, or ask the GP for new images.

    ``shown``: what was on the reader's page.
    Raises claims.NotOpenError, claims.ClaimLostError, NotYetError, UnseenError or IncompleteError.
    """
    if first := blindness.what_comes_first(user, case):
        raise NotYetError(first)
    held = claims.own_claim(user, case)
    demand_a_look(user, case, decision, shown)
    demand_words(case, decision)
    before = case.standing_review
    review = store(user, case, decision, shown)
    review.claim_id, review.amends = held.id, before
    held.released_at = review.decided_at
    audit.record(user, "case.decided", case, after=in_short(review))
    return review


def store(user: User, case: Case, decision: Decision, shown: Shown) -> Review:
    """Store the decision as a new row: in force from now on, and not yet read by the GP."""
    review = Review(
        case=case,
        reviewer=user,
        diagnosis=decision.diagnosis,
        management=decision.management,
        advice=decision.advice,
        override_reason=decision.override_reason,
        decided_at=utcnow(),
        model_wrong=decision.model_wrong,
        known_suspicions=concern.known_suspicions(case, shown.analyses),
        assessments=[Assessment(pattern=pattern, answer=answer) for pattern, answer in decision.assessments.items()],
        marks=[mark.stored() for mark in decision.marks],
    )
    db.session.add(review)
    answer(case, review)
    reopen.settle(case, review)
    return review


def answer(case: Case, review: Review) -> None:
    """Send ``review`` to the GP, as an answer or as a request for new images."""
    case.move_to(CaseState.RETAKE_REQUESTED if review.asks_for_images else CaseState.REVIEWED)
    case.unread = case.state is CaseState.REVIEWED and review.receipt is None
    case.closed_at = None


def in_short(review: Review) -> dict[str, str]:
    """A decision for the audit trail: never its free text."""
    marked = {"marks": str(len(review.marks))} if review.marks else {}
    return {"diagnosis": review.diagnosis.value, "management": review.management.value, **marked}


def demand_a_look(user: User, case: Case, decision: Decision, shown: Shown) -> None:
    """At everything, and at a second opinion with a word for it. Raises UnseenError or IncompleteError."""
    if what := risk.unseen(case, shown):
        raise UnseenError(what)
    unread = opinions.unread(user, case)
    if unread and not decision.opinion_read:
        names = risk.joined(request.asked_of.name for request in unread)
        raise IncompleteError("opinion_read", f"Read the second opinion of {names}, then tick that you have.")
    opinions.acknowledge(user, case)


def demand_words(case: Case, decision: Decision) -> None:
    """Raises IncompleteError."""
    concerns = risk.reasons_for_concern(case, decision.diagnosis)
    if _reassures(decision) and concerns and not decision.override_reason:
        raise IncompleteError("override_reason", f"Enter a reason: {risk.joined(concerns)}.")
    if decision.management is Management.RETAKE and not decision.advice:
        raise IncompleteError("advice", "Tell the GP what the new images should show.")
    try:
        marks.check_images(decision.marks, case)
    except MarksError as error:
        raise IncompleteError("marks", str(error)) from error


def _reassures(decision: Decision) -> bool:
    """Whether the clinic counts this management as one without a dermatology appointment."""
    options = {option.management: option.reassuring for option in queries.management_options()}
    return options[decision.management]
