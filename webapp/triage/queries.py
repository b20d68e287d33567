"""All queries for triage."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from webapp.core.extensions import db
from webapp.models import Analysis, Case, Image, ModelSwitch
from webapp.triage import due


def newly_past_due(now: datetime, limit: int) -> list[Case]:
    """Open cases that have become past due since their rank was computed, with everything the rank depends on.

    They are locked for this transaction; cases locked by others are skipped.
    """
    found: list[Case] = []
    results = selectinload(Case.images).selectinload(Image.analyses).selectinload(Analysis.findings)
    for urgency, days in due.allowed().items():  # one index scan each
        late = select(Case).where(
            Case.is_open, ~Case.past_due, Case.urgency == urgency, Case.waiting_since < now - days
        )
        late = late.order_by(Case.waiting_since, Case.id).limit(limit - len(found)).options(results)
        found += db.session.scalars(late.with_for_update(of=Case, skip_locked=True))
    return found


def last_switch(moment: datetime | None = None) -> ModelSwitch | None:
    """The latest switching of the model off or on, up to ``moment``."""
    statement = select(ModelSwitch).order_by(ModelSwitch.id.desc()).limit(1)
    if moment is not None:
        statement = statement.where(ModelSwitch.switched_at <= moment)
    return db.session.scalars(statement).first()
