"""Until when a case should be read: so many days after it began to wait, by urgency."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from webapp.core.config import current_settings
from webapp.models import Case, Urgency


def allowed() -> Mapping[Urgency, timedelta]:
    """How long a case of each urgency may wait."""
    settings = current_settings()
    days = {
        Urgency.URGENT: settings.target_days_urgent,
        Urgency.SOON: settings.target_days_soon,
        Urgency.ROUTINE: settings.target_days_routine,
    }
    return {urgency: timedelta(days=count) for urgency, count in days.items()}


def target_at(case: Case) -> datetime:
    return case.waiting_since + allowed()[case.urgency]
