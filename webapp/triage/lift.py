"""The passing of time: a case whose target date has passed moves up, without anybody touching it."""

from webapp.models import utcnow
from webapp.triage import queries, rank

PORTION = 200


def lift_past_due() -> int:
    """Move up the next few. Returns how many; call inside a transaction, again and again."""
    cases = queries.newly_past_due(utcnow(), PORTION)
    for case in cases:
        rank.refresh(case)
    return len(cases)
