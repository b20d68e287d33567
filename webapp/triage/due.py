"""When a case is due: a number of days after it began to wait, by urgency."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from webapp.core.config import current_settings
from webapp.models import Case, Urgency, utcnow


def allowed() -> Mapping[Urgency, timedelta]:
    """How long a case of each urgency may wait."""
    settings = current_settings()
    days = {
        Urgency.URGENT: settings.target_days_urgent,
        Urgency.SOON: settings.target_days_soon,
        Urgency.ROUTINE: settings.target_days_routine,
    }
    return {urgency: timedelta(days=count) for urgency, count in days.items()}


def due_at(case: Case) -> datetime:
    """When the case is due."""
    return case.waiting_since + allowed()[case.urgency]


def is_past(case: Case) -> bool:
    return due_at(case) < utcnow()


def is_urgent(case: Case) -> bool:
    """Whether the GP marked it as urgent."""
    return case.urgency is Urgency.URGENT
