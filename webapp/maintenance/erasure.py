"""Erasing cases: every row, then every object. The audit trail keeps its events, which name ids and numbers only."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, select, update

from webapp import audit
from webapp.core.database import after_commit, transaction
from webapp.core.extensions import db
from webapp.maintenance import belonging, objects
from webapp.models import (
    DROPPED_STATES,
    Case,
    CaseState,
    Centre,
    Histology,
    Opinion,
    OpinionRequest,
    ReferenceCorrection,
    Review,
)
from webapp.models.case import reference_key
from webapp.storage.store import current_store

ERASED = "(erased)"
"""Instead of an erased patient's reference in the correction of another's."""
ENDED = (CaseState.REVIEWED, CaseState.CLOSED, *DROPPED_STATES)


def centre_named(name: str) -> Centre | None:
    return db.session.scalars(select(Centre).where(Centre.name == name)).one_or_none()


def cases_of(reference: str, centre: Centre) -> list[Case]:
    """Everything that the centre sent for this reference, oldest first."""
    return list(db.session.scalars(select(Case).where(_of_patient(reference, centre)).order_by(Case.id)))


def misfiled_under(reference: str, centre: Centre) -> list[ReferenceCorrection]:
    """Corrections of the centre's other cases that name the reference: these were filed under it by mistake."""
    key = reference_key(reference)
    statement = select(ReferenceCorrection).join(Case).where(Case.centre_id == centre.id, Case.reference_key != key)
    found = db.session.scalars(statement.order_by(ReferenceCorrection.id))
    return [each for each in found if key in (reference_key(each.before), reference_key(each.after))]


def erase_patient(reference: str, centre: Centre) -> list[str]:
    """Erase all cases of the reference, and it from other cases' corrections. Returns the numbers of the former.

    Call inside a transaction.
    """
    misfiled = _erase_from_corrections(reference, centre)
    numbers = _erase(_of_patient(reference, centre))
    if numbers or misfiled:
        audit.record(None, "patient.erased", centre, after=_what(numbers, misfiled))
    return numbers


def _erase_from_corrections(reference: str, centre: Centre) -> int:
    """Returns how many of other cases named the reference."""
    misfiled = misfiled_under(reference, centre)
    for correction in misfiled:
        for side in ("before", "after"):
            if reference_key(getattr(correction, side)) == reference_key(reference):
                setattr(correction, side, ERASED)
    db.session.flush()
    return len(misfiled)


def _what(numbers: list[str], misfiled: int) -> dict[str, Any]:
    return {"cases": ", ".join(numbers), **({"corrections": misfiled} if misfiled else {})}


def _of_patient(reference: str, centre: Centre) -> ColumnElement[bool]:
    return and_(Case.centre_id == centre.id, Case.reference_key == reference_key(reference))


def expired(before: datetime) -> list[str]:
    """Numbers of the cases that ended before this moment with nothing recorded since, oldest first."""
    return list(db.session.scalars(select(Case.number).where(_ended(before)).order_by(Case.id)))


def apply_retention(number: str, before: datetime) -> bool:
    """Erase the case in a transaction of its own, unless it has been re-opened meanwhile.

    The patient's last case takes the reference with it, also from the corrections of others.
    """
    with transaction():
        case = db.session.scalars(select(Case).where(Case.number == number)).one_or_none()
        if case is None:
            return False
        reference, centre = case.patient_reference, case.centre
        numbers = _erase((Case.number == number) & _ended(before))
        if numbers:
            left = bool(cases_of(reference, centre))
            misfiled = 0 if left else _erase_from_corrections(reference, centre)
            audit.record(None, "retention.applied", centre, after=_what(numbers, misfiled))
    return bool(numbers)


def _ended(before: datetime) -> ColumnElement[bool]:
    """An answer, a result or an opinion that came later keeps the case."""
    noted = (
        select(func.max(Review.decided_at)).where(Review.case_id == Case.id),
        select(func.max(Histology.entered_at)).where(Histology.case_id == Case.id),
        select(func.max(OpinionRequest.asked_at)).where(OpinionRequest.case_id == Case.id),
        select(func.max(Opinion.given_at)).join(OpinionRequest).where(OpinionRequest.case_id == Case.id),
    )
    quiet = [func.coalesce(moment.correlate(Case).scalar_subquery(), Case.submitted_at) < before for moment in noted]
    ended = func.coalesce(Case.closed_at, Case.submitted_at) < before
    return and_(Case.state.in_(ENDED), ~Case.is_open, ended, *quiet)


def _erase(which: ColumnElement[bool]) -> list[str]:
    """Deletes rows from the leaves of the foreign keys up to the case, then the objects. Returns the cases' numbers."""
    found = db.session.execute(select(Case.id, Case.number).where(which).order_by(Case.id).with_for_update()).all()
    ids = [case_id for case_id, _number in found]
    if not ids:
        return []
    keys = _object_keys(ids)
    _mend_lesions(ids)
    for table in reversed(belonging.tables()):
        db.session.execute(delete(table).where(belonging.of_cases(table, ids)))
    db.session.expire_all()
    store = current_store()
    for key in keys:
        after_commit(partial(store.discard, key))
    return [number for _id, number in found]


def _object_keys(case_ids: Sequence[int]) -> list[str]:
    return [
        key
        for column in objects.columns()
        for _id, key, _digest in db.session.execute(
            objects.selection(column).where(belonging.of_cases(objects.table_of(column), case_ids))
        )
    ]


def _mend_lesions(going: Sequence[int]) -> None:
    """A later case of the same lesion then follows the nearest earlier one that remains, if any."""
    statement = select(Case.id, Case.follows_id)
    before = dict(iter(db.session.execute(statement.where(Case.id.in_(going)))))
    later = db.session.execute(statement.where(Case.follows_id.in_(going), Case.id.not_in(going))).all()
    for case_id, follows in later:
        while follows in before:
            follows = before[follows]
        db.session.execute(update(Case).where(Case.id == case_id).values(follows_id=follows))
