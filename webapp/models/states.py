"""The states of a case and of an analysis: one table of transitions each, and their drawings.

Few states, many reasons: `TriageReason` says why a case has no trusted result, `FailureReason` why an analysis failed.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar


class CaseState(StrEnum):
    SUBMITTED = "submitted"
    AWAITING_REVIEW = "awaiting_review"
    IN_REVIEW = "in_review"
    REVIEWED = "reviewed"
    CLOSED = "closed"
    RETAKE_REQUESTED = "retake_requested"
    WITHDRAWN = "withdrawn"
    VOIDED = "voided"


OPEN_STATES = (CaseState.SUBMITTED, CaseState.AWAITING_REVIEW, CaseState.IN_REVIEW)
"""States in which a case is in the worklist."""
DECIDED_STATES = (CaseState.REVIEWED, CaseState.CLOSED, CaseState.RETAKE_REQUESTED)
"""States in which a decision is in force that can be amended or called into question."""
DROPPED_STATES = (CaseState.WITHDRAWN, CaseState.VOIDED)
"""States in which nobody is to decide, or to act on an answer: withdrawn in time, or void because entered in error."""


class AnalysisState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    SUPERSEDED = "superseded"


PENDING_STATES = (AnalysisState.QUEUED, AnalysisState.RUNNING)
"""States in which an analysis has yet to end."""


class NotAllowedError(ValueError):
    """The table has no such transition: the calling code missed a rule, so nothing is stored."""


AnyState = TypeVar("AnyState", bound=StrEnum)

CASE_JOURNEYS: dict[tuple[CaseState, CaseState], str] = {
    (CaseState.SUBMITTED, CaseState.AWAITING_REVIEW): "analysis over",
    (CaseState.SUBMITTED, CaseState.IN_REVIEW): "claimed",
    (CaseState.SUBMITTED, CaseState.WITHDRAWN): "withdrawn",
    (CaseState.AWAITING_REVIEW, CaseState.IN_REVIEW): "claimed",
    (CaseState.AWAITING_REVIEW, CaseState.SUBMITTED): "new images added",
    (CaseState.AWAITING_REVIEW, CaseState.WITHDRAWN): "withdrawn",
    (CaseState.IN_REVIEW, CaseState.SUBMITTED): "released or expired, not analysed yet",
    (CaseState.IN_REVIEW, CaseState.AWAITING_REVIEW): "released or expired",
    (CaseState.IN_REVIEW, CaseState.IN_REVIEW): "taken over, or claimed once the last claim has expired",
    (CaseState.IN_REVIEW, CaseState.REVIEWED): "decided",
    (CaseState.IN_REVIEW, CaseState.RETAKE_REQUESTED): "new images requested",
    (CaseState.IN_REVIEW, CaseState.WITHDRAWN): "withdrawn",
    (CaseState.REVIEWED, CaseState.CLOSED): "read and closed by the GP",
    (CaseState.REVIEWED, CaseState.IN_REVIEW): "decision taken back",
    (CaseState.REVIEWED, CaseState.AWAITING_REVIEW): "re-opened",
    (CaseState.REVIEWED, CaseState.REVIEWED): "amended, or amendment taken back",
    (CaseState.REVIEWED, CaseState.RETAKE_REQUESTED): "amended, or amendment taken back",
    (CaseState.CLOSED, CaseState.AWAITING_REVIEW): "re-opened",
    (CaseState.CLOSED, CaseState.REVIEWED): "amended",
    (CaseState.CLOSED, CaseState.RETAKE_REQUESTED): "amended",
    (CaseState.RETAKE_REQUESTED, CaseState.SUBMITTED): "new images added",
    (CaseState.RETAKE_REQUESTED, CaseState.IN_REVIEW): "request taken back",
    (CaseState.RETAKE_REQUESTED, CaseState.AWAITING_REVIEW): "re-opened",
    (CaseState.RETAKE_REQUESTED, CaseState.REVIEWED): "amended, or amendment taken back",
    (CaseState.RETAKE_REQUESTED, CaseState.RETAKE_REQUESTED): "amended, or amendment taken back",
    (CaseState.RETAKE_REQUESTED, CaseState.WITHDRAWN): "withdrawn",
    (CaseState.SUBMITTED, CaseState.VOIDED): "entered in error",
    (CaseState.AWAITING_REVIEW, CaseState.VOIDED): "entered in error",
    (CaseState.IN_REVIEW, CaseState.VOIDED): "entered in error",
    (CaseState.REVIEWED, CaseState.VOIDED): "entered in error",
    (CaseState.CLOSED, CaseState.VOIDED): "entered in error",
    (CaseState.RETAKE_REQUESTED, CaseState.VOIDED): "entered in error",
}
"""(from, to) → what happens: every change of a case's state.

Taking back an amendment of a closed case leaves it reviewed, to be closed again.
"""

CASE_TRANSITIONS: dict[CaseState, frozenset[CaseState]] = {
    state: frozenset(after for before, after in CASE_JOURNEYS if before is state) for state in CaseState
}
"""The same, as `Case.move_to` uses it."""

ANALYSIS_JOURNEYS: dict[tuple[AnalysisState, AnalysisState], str] = {
    (AnalysisState.QUEUED, AnalysisState.RUNNING): "lease taken",
    (AnalysisState.QUEUED, AnalysisState.FAILED): "no attempts left, since the limit was lowered",
    (AnalysisState.RUNNING, AnalysisState.RUNNING): "lease run out, taken by another worker",
    (AnalysisState.RUNNING, AnalysisState.QUEUED): "attempt ended without a result",
    (AnalysisState.RUNNING, AnalysisState.DONE): "result stored",
    (AnalysisState.RUNNING, AnalysisState.FAILED): "no attempts left, or no model",
    (AnalysisState.FAILED, AnalysisState.QUEUED): "model or store is back",
    (AnalysisState.QUEUED, AnalysisState.SUPERSEDED): "re-run put in force",
    (AnalysisState.RUNNING, AnalysisState.SUPERSEDED): "re-run put in force",
    (AnalysisState.FAILED, AnalysisState.SUPERSEDED): "re-run put in force",
    (AnalysisState.DONE, AnalysisState.SUPERSEDED): "re-run put in force",
}
"""The same for an analysis. Most are conditional UPDATEs, so a test compares them with this table."""


def drawing(journeys: Mapping[tuple[AnyState, AnyState], str], begin: AnyState, *ends: AnyState) -> str:
    """A Mermaid state diagram. ``begin``: the first state; ``ends``: the final ones."""
    arrows = [f"{before} --> {after}: {words}" for (before, after), words in journeys.items()]
    lines = [f"[*] --> {begin}", *arrows, *(f"{end} --> [*]" for end in ends)]
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in lines)])


def drawings() -> str:
    """Both, as docs/architecture.md shows them."""
    case = drawing(CASE_JOURNEYS, CaseState.SUBMITTED, *DROPPED_STATES)
    analysis = drawing(ANALYSIS_JOURNEYS, AnalysisState.QUEUED)
    return "\n\n".join(f"```mermaid\n{one}\n```" for one in (case, analysis))
