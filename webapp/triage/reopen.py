"""A later finding calls a decision into question: the case is re-opened, at the top of the worklist.

The decision stays in force, and the case page says that the case is being reviewed again, until there is a new
decision. A request for new images does not count: the case stays re-opened until somebody decides.
"""

from webapp import audit
from webapp.models import DECIDED_STATES, Analysis, Case, CaseState, Histology, Opinion, ReopenReason, Review, utcnow
from webapp.triage import concern, rank, risk


def after_result(case: Case, analysis: Analysis) -> None:
    """A result for a locked case re-opens it if it suspects a cancer that nobody knew of at the decision."""
    standing = _in_question(case)
    if standing is not None and concern.is_news(analysis, _known(case, standing, analysis)):
        _reopen(case, ReopenReason.LATE_RESULT)


def after_switching_on(case: Case) -> None:
    """The model is on again: what its results suspect in a locked case and nobody knew of at the decision is news."""
    for analysis in concern.done(case):
        after_result(case, analysis)


def after_histology(case: Case, histology: Histology) -> None:
    """A cancer re-opens a decision that would miss it, and marks a case that is open again as re-opened.

    A correction to something harmless doesn't settle that: the case stays re-opened, and says so.
    """
    if histology.result.is_cancer and (case.is_open or _in_question(case) is not None):
        _reopen(case, ReopenReason.HISTOLOGY)
    elif not histology.result.is_cancer and case.reopened is ReopenReason.HISTOLOGY:
        _reopen(case, ReopenReason.HISTOLOGY_CORRECTED)


def after_opinion(case: Case, opinion: Opinion) -> None:
    """A cancer, or more than was decided, re-opens a decision that would miss it; an open case moves up."""
    cancer, more = opinion.diagnosis in concern.CANCER, opinion.management in risk.EARLY
    if (cancer or more) and _in_question(case) is not None:
        _reopen(case, ReopenReason.SECOND_OPINION)
    elif case.is_open:
        rank.refresh(case)


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
    """The decision that settled a re-opening was taken back: re-open the case again. The caller ranks it."""
    case.reopened = reason


def _in_question(case: Case) -> Review | None:
    standing = case.standing_review if case.state in DECIDED_STATES else None
    return standing if standing is not None and risk.would_miss_a_cancer(standing) else None


def _known(case: Case, standing: Review, arriving: Analysis) -> list[str]:
    """What the reader knew at the decision. Decisions stored before this was kept: what was finished by then."""
    if standing.known_suspicions is not None:
        return standing.known_suspicions
    earlier = [a for image in case.images for a in image.analyses if a is not arriving and not a.shadow]
    before = [a for a in earlier if a.finished_at and a.finished_at <= standing.decided_at]
    return [known for analysis in before for known in concern.named(analysis)]


def _reopen(case: Case, reason: ReopenReason) -> None:
    before = case.state.value
    case.reopened = reason
    case.closed_at = None
    if not case.is_open:
        case.move_to(CaseState.AWAITING_REVIEW)
        case.waiting_since = utcnow()  # it was answered: it begins to wait anew, and is not overdue at once
    rank.refresh(case)
    audit.record(None, "case.reopened", case, before={"state": before}, after={"reason": reason.value})
