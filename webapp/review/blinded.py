"""Blinded reading: the model's result stays hidden until the reader has recorded an impression without it."""

from webapp import audit
from webapp.cases.blindness import request_for
from webapp.core.extensions import db
from webapp.models import Case, Diagnosis, Impression, Management, User
from webapp.review import claims


def set_mode(user: User, blinded: bool) -> None:
    if user.reads_blinded != blinded:
        audit.record(user, "account.blinded", user, before={"on": user.reads_blinded}, after={"on": blinded})
        user.reads_blinded = blinded


def keep_claim(user: User, case: Case) -> None:
    """Like ``claims.keep``, for somebody about to note an impression; who was asked for an opinion needs no claim."""
    if request_for(user, case) is None:
        claims.keep(user, case)


def note(user: User, case: Case, diagnosis: Diagnosis, management: Management) -> Impression:
    """Store the impression of a user who has claimed the locked case or been asked for an opinion on it.

    Raises claims.NotOpenError or claims.ClaimLostError.
    """
    if request_for(user, case) is None:
        claims.own_claim(user, case)
    impression = Impression(case=case, user=user, diagnosis=diagnosis, management=management)
    db.session.add(impression)
    audit.record(user, "case.impression", case, after={"diagnosis": diagnosis.value, "management": management.value})
    return impression
