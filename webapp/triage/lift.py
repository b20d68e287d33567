"""Moves a case up once it is past due, without any other change."""

from webapp.core.database import one_by_one
from webapp.models import utcnow
from webapp.triage import queries, rank

PORTION = 200


def lift_past_due() -> int:
    """Move up to PORTION cases. Returns how many; call repeatedly, inside a transaction."""
    return len(one_by_one(queries.newly_past_due(utcnow(), PORTION), rank.refresh, "moving a case up that is due"))
