"""The only place that selects the audit trail (what happened, not what patients have), the model's versions, and the
cases that a GP leaves behind: an administrator is told their number.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, String, cast, or_, select, true, union_all
from sqlalchemy.orm import InstrumentedAttribute, joinedload

from webapp.core.extensions import db
from webapp.models import (
    Analysis,
    AuditEvent,
    Case,
    CaseState,
    Centre,
    Finding,
    Image,
    ModelVersion,
    Review,
    Role,
    Unread,
    User,
)

PAGE_SIZE = 50

_ANALYSED = select(Case.number).join(Image, Image.case_id == Case.id).join(Analysis, Analysis.image_id == Image.id)
SUBJECTS: dict[str, tuple[InstrumentedAttribute[int], Select[Any]]] = {
    "case_file": (Case.id, select(Case.number)),
    "image": (Image.id, select(Case.number).join(Image, Image.case_id == Case.id)),
    "analysis": (Analysis.id, _ANALYSED),
    "finding": (Finding.id, _ANALYSED.join(Finding, Finding.analysis_id == Analysis.id)),
    "review": (Review.id, select(Case.number).join(Review, Review.case_id == Case.id)),
    "user_account": (User.id, select(User.name)),
    "centre": (Centre.id, select(Centre.name)),
    "model_version": (ModelVersion.id, select(ModelVersion.name)),
}
"""For each kind of subject, its id and how to select its name: parts of a case by the case's number."""
PARTS_OF_A_CASE = ("case_file", "image", "analysis", "finding", "review")


def versions() -> list[ModelVersion]:
    """Every version of the model, the latest first."""
    return list(db.session.scalars(select(ModelVersion).order_by(ModelVersion.id.desc())))


def audit_events(
    *,
    actor_id: int | None = None,
    by_system: bool = False,
    action: str = "",
    case_number: str = "",
    begin: datetime | None = None,
    end: datetime | None = None,
    before: int | None = None,
) -> list[AuditEvent]:
    """One page and one more row, newest first, from ids below ``before``; ``end`` is exclusive."""
    statement = select(AuditEvent)
    if actor_id is not None:
        statement = statement.where(AuditEvent.actor_id == actor_id)
    if by_system:
        statement = statement.where(AuditEvent.actor_id.is_(None))
    if action:
        statement = statement.where(AuditEvent.action == action)
    if case_number:
        statement = statement.where(AuditEvent.id.in_(_about(case_number)))
    if begin is not None:
        statement = statement.where(AuditEvent.at >= begin)
    if end is not None:
        statement = statement.where(AuditEvent.at < end)
    if before is not None:
        statement = statement.where(AuditEvent.id < before)
    # For a day or a case the index gives all rows at once: the database must not search from the newest event.
    few = begin is not None or end is not None or bool(case_number)
    latest = (AuditEvent.id + 0 if few else AuditEvent.id).desc()
    statement = statement.order_by(latest).limit(PAGE_SIZE + 1)
    return list(db.session.scalars(statement.options(joinedload(AuditEvent.actor))))


def _about(case_number: str) -> CompoundSelect[int]:
    """Ids of the events of a case, its decisions, its images, and their analyses and heatmaps."""
    kinds = []
    for kind in PARTS_OF_A_CASE:
        key, named = SUBJECTS[kind]
        ids = named.with_only_columns(cast(key, String)).where(Case.number == case_number)
        kinds.append(select(AuditEvent.id).where(AuditEvent.subject_type == kind, AuditEvent.subject_id.in_(ids)))
    return union_all(*kinds)


def subject_names(events: Iterable[AuditEvent]) -> dict[tuple[str, str], str]:
    """(kind, id) → case number or name, with one query for each kind that occurs."""
    ids: dict[str, set[int]] = {}
    for event in events:
        if event.subject_type in SUBJECTS:
            ids.setdefault(event.subject_type, set()).add(int(event.subject_id))
    found = {}
    for kind, row_ids in ids.items():
        key, named = SUBJECTS[kind]
        for name, row_id in db.session.execute(named.add_columns(key).where(key.in_(row_ids))):
            found[(kind, str(row_id))] = name
    return found


def actors() -> list[User]:
    """Everyone who may have done something."""
    return list(db.session.scalars(select(User).order_by(User.name, User.id)))


def _for_a_gp() -> list[ColumnElement[bool]]:
    """A case waits for a GP, or will, if one of these holds. Each is a range of the centre's index."""
    states = (CaseState.SUBMITTED, CaseState.AWAITING_REVIEW, CaseState.IN_REVIEW, CaseState.RETAKE_REQUESTED)
    return [*(Case.state == state for state in states), Case.unread == true()]


def followed_by_locked(gp: User) -> list[Case]:
    """The cases of the GP's centre that this GP follows and that are not over, or that are news to this GP, locked."""
    walks = [
        select(Case.id).where(Case.centre_id == gp.centre_id, Case.responsible_id == gp.id, condition)
        for condition in _for_a_gp()
    ]
    own_news = select(Unread.case_id).join(Case).where(Unread.user_id == gp.id, Case.responsible_id == gp.id)
    ids = set(db.session.scalars(union_all(*walks, own_news)))
    statement = select(Case).where(Case.id.in_(ids)).order_by(Case.id).with_for_update(of=Case)
    return list(db.session.scalars(statement.execution_options(populate_existing=True)))


def colleagues_of(gp: User) -> list[User]:
    """The other GPs of the centre who can sign in."""
    there = (User.role == Role.GP, User.centre_id == gp.centre_id, User.active, User.id != gp.id)
    return list(db.session.scalars(select(User).where(*there).order_by(User.name, User.id)))


def centres_without_a_gp() -> list[Centre]:
    """Centres with cases that are not over, and no GP who can sign in to follow them."""
    there = select(User.id).where(User.role == Role.GP, User.centre_id == Centre.id, User.active).exists()
    waiting = [select(Case.id).where(Case.centre_id == Centre.id, condition).exists() for condition in _for_a_gp()]
    return list(db.session.scalars(select(Centre).where(~there, or_(*waiting)).order_by(Centre.name)))
