"""A case's place in the worklist. Doubt moves a case up, never down.

The sections, in order (docs/architecture.md, "The rule of doubt"):

1. Now: re-opened; sent as urgent; past its due date; melanoma at or above its operating point; a second opinion
   or histology suspects a cancer.
   Re-opened first, then by due date, then by concern.
2. Needs a person: an image has no trusted result. Cases without a probability first, then by the highest one given.
   While the model is switched off nothing has a result: urgency "soon" first.
3. Suspected: BCC or squamous cell carcinoma (SCC) at or above its operating point. By that probability.
4. The rest, by concern, without a cliff.

A section is a range of one number, ``Case.rank``: the smallest comes first, and of equals the one waiting longer.
"""

from datetime import UTC, datetime
from enum import IntEnum

from sqlalchemy import ColumnElement, and_

from ml.patterns import Lesion
from webapp.models import Analysis, AnalysisState, Case, CaseState, FailureReason, TriageReason, Urgency
from webapp.models.states import PENDING_STATES
from webapp.triage import concern, due, switch

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAYS = 2.0**17
"""358 years: more days than any due date will ever be after 1970."""


class Section(IntEnum):
    """A case of section n has a rank from n up to, but not including, n + 1."""

    NOW = 1
    NEEDS_PERSON = 2
    SUSPECTED = 3
    REST = 4

    @property
    def label(self) -> str:
        return {1: "Now", 2: "Needs a person", 3: "Suspected", 4: "The rest"}[self.value]

    @property
    def order(self) -> str:
        """What its cases are sorted by, in words."""
        return {
            1: "re-opened first, then by due date, then by concern",
            2: "no result first, then the highest probability",
            3: "the highest probability first",
            4: "the highest concern first",
        }[self.value]

    @classmethod
    def of(cls, case: Case) -> "Section":
        """By the stored rank; a case that has not been ranked stands before all others."""
        return cls(max(int(case.rank), cls.NOW))

    @property
    def holds(self) -> ColumnElement[bool]:
        """The same as a condition of a query."""
        return Case.rank < self + 1 if self is Section.NOW else and_(Case.rank >= self, Case.rank < self + 1)


def refresh(case: Case) -> None:
    """Recompute the place of a stored case from its images' results in force, its urgency and its due date."""
    switch.look_again()
    results = concern.done(case)
    case.contradiction = any(concern.contradicts_itself(analysis) for analysis in results)
    case.other_cancer = any(suspicion.lesion is not Lesion.BCC for suspicion in concern.suspected(case))
    case.bcc_probability = max((p for a in results if (p := _bcc(a)) is not None), default=None)
    case.triage_reason = _reason(case)
    case.needs_person = case.triage_reason is not TriageReason.PROBABILITY
    case.past_due = due.is_past(case)
    case.rank = place(case)
    if case.state is CaseState.SUBMITTED and case.triage_reason is not TriageReason.AWAITING_ANALYSIS:
        case.move_to(CaseState.AWAITING_REVIEW)


def section_of(case: Case) -> Section:
    melanoma = any(suspicion.lesion is Lesion.MEL for suspicion in concern.suspected(case))
    if case.reopened or due.is_urgent(case) or case.past_due or melanoma or concern.people_suspect_cancer(case):
        return Section.NOW
    if not concern.fully_trusted(case):
        return Section.NEEDS_PERSON
    return Section.SUSPECTED if concern.suspected(case) else Section.REST


def place(case: Case) -> float:
    """The section and the place within it, as one number."""
    section = section_of(case)
    return section + {
        Section.NOW: _by_due_date,
        Section.NEEDS_PERSON: _unknown_first,
        Section.SUSPECTED: _by_suspicion,
        Section.REST: lambda case: _descending(concern.level(case)),
    }[section](case)


def _by_due_date(case: Case) -> float:
    """Re-opened cases in the first half; within each half by due date (whole days), then by concern."""
    day = (due.due_at(case) - _EPOCH).days
    return (0.0 if case.reopened else 0.5) + 0.5 * (day + _descending(concern.level(case))) / _DAYS


def _unknown_first(case: Case) -> float:
    if switch.is_off():
        return 0.0 if case.urgency is Urgency.SOON else 0.5
    highest = concern.reported(case)
    return 0.0 if highest is None else _descending(highest)


def _by_suspicion(case: Case) -> float:
    return _descending(max(suspicion.probability for suspicion in concern.suspected(case)))


def _descending(probability: float) -> float:
    """From 0.0005 for probability 1 to 0.9995 for 0, so that the ends of a section stay free."""
    return 0.0005 + 0.999 * (1.0 - probability)


def _bcc(analysis: Analysis) -> float | None:
    return concern.probabilities(analysis).get(Lesion.BCC)


def _reason(case: Case) -> TriageReason:
    """Why some image has no trusted result; PROBABILITY if all have one."""
    if switch.is_off():
        return TriageReason.MODEL_OFF
    analyses = [concern.result(image) for image in case.images]
    finished = [analysis for analysis in analyses if analysis and analysis.state not in PENDING_STATES]
    if not analyses or len(finished) < len(analyses):
        return TriageReason.AWAITING_ANALYSIS
    failures = [analysis.failure for analysis in finished if analysis.state is not AnalysisState.DONE]
    if FailureReason.MODEL_UNAVAILABLE in failures:
        return TriageReason.MODEL_UNAVAILABLE
    if failures:
        return TriageReason.ANALYSIS_FAILED
    if not all(concern.trusted(analysis) for analysis in finished):
        return TriageReason.MODEL_UNSURE
    return TriageReason.PROBABILITY
