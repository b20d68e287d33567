"""A decision that something later calls into question: the case goes back before a person, at the top, with the reason.

The decision stays in force, and the GP is told that it is looked at again, until a reader decides anew.
"""

from webapp import audit
from webapp.models import Analysis, Case, CaseState, Diagnosis, Histology, Management, Opinion, RecallReason, Review
from webapp.triage import rank

DECIDED = (CaseState.REVIEWED, CaseState.CLOSED, CaseState.RETAKE_REQUESTED)


def after_result(case: Case, analysis: Analysis) -> None:
    """A model's answer has arrived for a locked case: does it suspect what nobody knew at the decision?"""
    standing = _in_question(case)
    if standing is not None and rank.suspects_cancer(analysis) and not _suspected_before(case, standing):
        _recall(case, RecallReason.LATE_RESULT)


def after_histology(case: Case, histology: Histology) -> None:
    if histology.result.is_cancer and _in_question(case) is not None:
        _recall(case, RecallReason.HISTOLOGY)


def after_opinion(case: Case, opinion: Opinion) -> None:
    cancer = opinion.diagnosis in (Diagnosis.BCC, Diagnosis.NOT_BCC_MALIGNANT)
    more = opinion.management in (Management.URGENT_REFERRAL, Management.BIOPSY)
    if (cancer or more) and _in_question(case) is not None:
        _recall(case, RecallReason.SECOND_OPINION)


def settle(case: Case, review: Review) -> None:
    """``review`` answers the recall of its case, if there was one, and takes the place of the decision before it."""
    if case.recalled is None:
        return
    review.recall, case.recalled = case.recalled, None
    review.amendment_reason = review.recall.sentence
    rank.refresh(case)


def reopen(case: Case, reason: RecallReason) -> None:
    """The answer to a recall was taken back: the question stands again."""
    case.recalled = reason
    rank.refresh(case)


def _in_question(case: Case) -> Review | None:
    standing = case.standing_review
    return standing if case.state in DECIDED and standing is not None and standing.would_miss_a_cancer else None


def _suspected_before(case: Case, standing: Review) -> bool:
    """Whether the reader already had an answer of the model that suspected a cancer."""
    earlier = [analysis for image in case.images for analysis in image.analyses]
    before = [a for a in earlier if a.finished_at and a.finished_at <= standing.decided_at]
    known = [analysis for analysis in before if not analysis.beside]
    return any(rank.suspects_cancer(analysis) for analysis in known)


def _recall(case: Case, reason: RecallReason) -> None:
    before = case.state.value
    case.recalled = reason
    case.closed_at = None
    case.move_to(CaseState.AWAITING_REVIEW)
    rank.refresh(case)
    audit.record(None, "case.recalled", case, before={"state": before}, after={"reason": reason.value})
