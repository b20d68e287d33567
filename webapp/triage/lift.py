"""Moves a case up once it is past due, without any other change."""

from webapp.models import utcnow
from webapp.triage import queries, rank

PORTION = 200


def lift_past_due() -> int:
    """Move up to PORTION cases. Returns how many; call repeatedly, inside a transaction."""
    cases = queries.newly_past_due(utcnow(), PORTION)
    for case in cases:
        rank.refresh(case)
    return len(cases)
