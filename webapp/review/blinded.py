"""Blinded reading: the model's result stays hidden until the reader has recorded an impression without it."""

from webapp import audit
from webapp.core.extensions import db
from webapp.models import Case, Diagnosis, Impression, Management, User
from webapp.review import claims, opinions


def set_mode(user: User, blinded: bool) -> None:
    if user.reads_blinded != blinded:
        audit.record(user, "account.blinded", user, before={"on": user.reads_blinded}, after={"on": blinded})
        user.reads_blinded = blinded


def impression_of(user: User, case: Case) -> Impression | None:
    """The user's last impression of the case since its newest image was added."""
    newest = max((image.stored_at for image in case.images), default=case.submitted_at)
    own = [found for found in case.impressions if found.user_id == user.id and found.given_at >= newest]
    return own[-1] if own else None


def hides_model(user: User, case: Case) -> bool:
    """Whether the model's result must not be shown to ``user`` yet."""
    judging = case.is_open or opinions.request_for(user, case) is not None
    return user.reads_blinded and judging and impression_of(user, case) is None


def keep_claim(user: User, case: Case) -> None:
    """Like ``claims.keep``, for somebody about to note an impression; who was asked for an opinion needs no claim."""
    if opinions.request_for(user, case) is None:
        claims.keep(user, case)


def note(user: User, case: Case, diagnosis: Diagnosis, management: Management) -> Impression:
    """Store the impression of a user who has claimed the locked case or been asked for an opinion on it.

    Raises claims.NotOpenError or claims.ClaimLostError.
    """
    if opinions.request_for(user, case) is None:
        claims.own_claim(user, case)
    impression = Impression(case=case, user=user, diagnosis=diagnosis, management=management)
    db.session.add(impression)
    audit.record(user, "case.impression", case, after={"diagnosis": diagnosis.value, "management": management.value})
    return impression
