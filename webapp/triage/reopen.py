"""A later finding calls a decision into question: the case is re-opened, at the top of the worklist.

The decision stays in force, and the case page says that the case is being reviewed again, until there is a new
decision. A request for new images does not count: the case stays re-opened until somebody decides.
"""

from webapp import audit
from webapp.models import Analysis, Case, CaseState, Histology, Management, Opinion, ReopenReason, Review
from webapp.triage import rank
from webapp.triage.concern import suspects_cancer
from webapp.triage.risk import CANCER

DECIDED = (CaseState.REVIEWED, CaseState.CLOSED, CaseState.RETAKE_REQUESTED)


def after_result(case: Case, analysis: Analysis) -> None:
    """A result for a locked case re-opens it if it suspects a cancer that nobody knew of at the decision."""
    standing = _in_question(case)
    if standing is not None and suspects_cancer(analysis) and not _suspected_before(case, standing):
        _reopen(case, ReopenReason.LATE_RESULT)


def after_histology(case: Case, histology: Histology) -> None:
    """A cancer re-opens a decision that would miss it, and marks a case that is open again as re-opened."""
    if histology.result.is_cancer and (case.is_open or _in_question(case) is not None):
        _reopen(case, ReopenReason.HISTOLOGY)


def after_opinion(case: Case, opinion: Opinion) -> None:
    cancer = opinion.diagnosis in CANCER
    more = opinion.management in (Management.URGENT_REFERRAL, Management.BIOPSY)
    if (cancer or more) and _in_question(case) is not None:
        _reopen(case, ReopenReason.SECOND_OPINION)


def settle(case: Case, review: Review) -> None:
    """Let ``review`` settle the re-opening, if there was one.

    A request for new images does not settle it: the case stays re-opened.
    """
    if case.reopened is None:
        return
    review.reopened = case.reopened
    review.amendment_reason = review.reopened.sentence
    if not review.asks_for_images:
        case.reopened = None
    rank.refresh(case)


def ask_again(case: Case, reason: ReopenReason) -> None:
    """The decision that settled a re-opening was taken back: re-open the case again."""
    case.reopened = reason
    rank.refresh(case)


def _in_question(case: Case) -> Review | None:
    standing = case.standing_review
    return standing if case.state in DECIDED and standing is not None and standing.would_miss_a_cancer else None


def _suspected_before(case: Case, standing: Review) -> bool:
    """Whether the reader already had a result suspecting a cancer."""
    earlier = [analysis for image in case.images for analysis in image.analyses]
    before = [a for a in earlier if a.finished_at and a.finished_at <= standing.decided_at]
    known = [analysis for analysis in before if not analysis.shadow]
    return any(suspects_cancer(analysis) for analysis in known)


def _reopen(case: Case, reason: ReopenReason) -> None:
    before = case.state.value
    case.reopened = reason
    case.closed_at = None
    if not case.is_open:
        case.move_to(CaseState.AWAITING_REVIEW)
    rank.refresh(case)
    audit.record(None, "case.reopened", case, before={"state": before}, after={"reason": reason.value})
