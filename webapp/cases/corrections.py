"""Wrong patient or wrong image, seen later: the reference is corrected, or the case is void. By GP or dermatologist."""

from datetime import datetime

from webapp import audit
from webapp.cases import queries
from webapp.cases.answers import tell_others
from webapp.cases.service import CaseChangedError
from webapp.models import Case, CaseState, ReferenceCorrection, User, Voiding, utcnow
from webapp.models.case import reference_key


def correct_reference(user: User, case: Case, seen: str, reference: str, reason: str) -> list[str]:
    """File a locked case under ``reference`` instead of ``seen``. Returns the numbers of linked cases that another
    patient's reference now separates from it; they are linked no longer.

    Sending the same form twice corrects once. Raises CaseChangedError if the case is under neither of the two.
    """
    if case.patient_reference == reference:
        return []
    if case.patient_reference != seen:
        raise CaseChangedError
    case.corrections.append(ReferenceCorrection(user=user, before=seen, after=reference, reason=reason))
    case.patient_reference = reference
    parted = _part(user, case)
    tell_others(case, but=user)
    audit.record(user, "case.reference_corrected", case)
    return parted


def _part(user: User, case: Case) -> list[str]:
    """End links between the case and cases that now belong to other patients."""
    earlier, later = queries.linked(user, case)
    parted = []
    for before, after in [*((other, case) for other in earlier), *((case, other) for other in later)]:
        if reference_key(before.patient_reference) != reference_key(after.patient_reference):
            after.follows_id = None
            audit.record(user, "case.follows", after, before={"case": before.id}, after={"case": None})
            parted.append(before.number if after is case else after.number)
    return parted


def can_be_voided(case: Case) -> bool:
    return not case.is_dropped


def void(user: User, case: Case, since: datetime, reason: str) -> None:
    """Mark a locked case as entered in error. It leaves the worklist, and whatever claim there is on it ends.

    ``since``: when the user was shown the case. Voiding it twice is voiding it once. Raises CaseChangedError if it was
    withdrawn, or if an answer was given or taken back since then.
    """
    if case.state is CaseState.VOIDED:
        return
    if not can_be_voided(case) or _answered_since(case, since):
        raise CaseChangedError
    before = case.state.value
    case.move_to(CaseState.VOIDED)
    case.reopened, case.closed_at = None, utcnow()
    case.voiding = Voiding(user=user, reason=reason, voided_at=case.closed_at)
    for claim in case.claims:
        claim.released_at = claim.released_at or case.closed_at
    tell_others(case, but=user)
    audit.record(user, "case.voided", case, before={"state": before}, after={"state": case.state.value})


def _answered_since(case: Case, since: datetime) -> bool:
    given = [review.decided_at for review in case.reviews]
    taken_back = [review.retraction.retracted_at for review in case.reviews if review.retraction]
    return any(moment > since for moment in (*given, *taken_back))
