"""Where a case stands in the worklist. Doubt moves a case up, never down.

A case starts at the top; it leaves the top only when every image has a finished analysis that the model itself
trusts and that suspects no other cancer. Its P(BCC) is the highest of its images.
"""

from ml.patterns import Lesion
from webapp.models import Analysis, AnalysisState, Case, CaseState, FailureReason, TriageReason
from webapp.models.case import TOP

PENDING = (AnalysisState.QUEUED, AnalysisState.RUNNING)
OTHER_CANCERS = (Lesion.MEL, Lesion.AKIEC)
SUSPECTED_FROM = 0.3
"""Share of the lesion-type head from which another cancer counts as suspected: low, because missing one costs more."""


def refresh(case: Case) -> None:
    """Recompute the case's place from the current analysis of each image."""
    analyses = [image.current_analysis for image in case.images]
    answers = [_probability(analysis) for analysis in analyses]
    known = [answer for answer in answers if answer is not None]
    others = suspicions(case)
    case.contradiction = any(analysis.contradicts_itself for analysis in done(case))
    case.other_cancer = bool(others)
    case.triage_reason = TriageReason.RECALLED if case.recalled else _reason(analyses, other_cancer=case.other_cancer)
    case.needs_person = case.triage_reason is not TriageReason.PROBABILITY
    case.bcc_probability = max(known, default=None)
    assumed = max(known) if known and len(known) == len(analyses) else 1.0  # an image without an answer may be BCC
    concern = max([assumed, *others.values()])
    case.rank = (
        TOP if case.recalled else (1.0 if case.needs_person else 3.0) - concern
    )  # [0, 1] before [2, 3]: no tie, even at certainty
    if case.state is CaseState.SUBMITTED and case.triage_reason is not TriageReason.AWAITING_ANALYSIS:
        case.move_to(CaseState.AWAITING_REVIEW)


def suspects_cancer(analysis: Analysis) -> bool:
    """Whether this analysis suspects BCC or another cancer."""
    shares = analysis.lesion or {}
    return analysis.bcc is True or any(shares.get(lesion.value, 0.0) >= SUSPECTED_FROM for lesion in OTHER_CANCERS)


def suspicions(case: Case) -> dict[Lesion, float]:
    """Cancers other than BCC that the lesion-type head suspects, with the highest share in any image."""
    shares = [analysis.lesion or {} for analysis in done(case)]
    highest = {lesion: max((share.get(lesion.value, 0.0) for share in shares), default=0.0) for lesion in OTHER_CANCERS}
    return {lesion: share for lesion, share in highest.items() if share >= SUSPECTED_FROM}


def done(case: Case) -> list[Analysis]:
    """The current answers of the model, one an image that has one."""
    current = [image.current_analysis for image in case.images]
    return [analysis for analysis in current if analysis and analysis.state is AnalysisState.DONE]


def _probability(analysis: Analysis | None) -> float | None:
    return analysis.bcc_probability if analysis is not None and analysis.state is AnalysisState.DONE else None


def _reason(analyses: list[Analysis | None], *, other_cancer: bool) -> TriageReason:
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
    if other_cancer:
        return TriageReason.OTHER_CANCER
    return TriageReason.PROBABILITY
