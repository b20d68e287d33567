"""Where a case stands in the worklist. Doubt moves a case up, never down.

A case starts at the top; it leaves the top only when every image has a finished analysis that the model itself
trusts. Its P(BCC) is the highest of its images.
"""

from webapp.models import Analysis, AnalysisState, Case, CaseState, FailureReason, TriageReason

PENDING = (AnalysisState.QUEUED, AnalysisState.RUNNING)


def refresh(case: Case) -> None:
    """Recompute the case's place from the current analysis of each image."""
    analyses = [image.current_analysis for image in case.images]
    answers = [_probability(analysis) for analysis in analyses]
    known = [answer for answer in answers if answer is not None]
    case.triage_reason = _reason(analyses)
    case.needs_person = case.triage_reason is not TriageReason.PROBABILITY
    case.bcc_probability = max(known, default=None)
    assumed = max(known) if known and len(known) == len(analyses) else 1.0  # an image without an answer may be BCC
    case.rank = (1.0 if case.needs_person else 3.0) - assumed  # [0, 1] before [2, 3]: no tie, even at certainty
    if case.state is CaseState.SUBMITTED and case.triage_reason is not TriageReason.AWAITING_ANALYSIS:
        case.move_to(CaseState.AWAITING_REVIEW)


def _probability(analysis: Analysis | None) -> float | None:
    return analysis.bcc_probability if analysis is not None and analysis.state is AnalysisState.DONE else None


def _reason(analyses: list[Analysis | None]) -> TriageReason:
    finished = [analysis for analysis in analyses if analysis and analysis.state not in PENDING]
    if not analyses or len(finished) < len(analyses):
        return TriageReason.AWAITING_ANALYSIS
    failures = [analysis.failure for analysis in finished if analysis.state is not AnalysisState.DONE]
    if FailureReason.MODEL_UNAVAILABLE in failures:
        return TriageReason.MODEL_UNAVAILABLE
    if failures:
        return TriageReason.ANALYSIS_FAILED
    if any(analysis.needs_person is not False or _probability(analysis) is None for analysis in finished):
        return TriageReason.MODEL_UNSURE
    return TriageReason.PROBABILITY
