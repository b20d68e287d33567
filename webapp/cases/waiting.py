"""Places of open cases in the line of all centres, and waiting times estimated from recent decisions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from webapp.cases import queries
from webapp.core.counts import MOST
from webapp.models import Case, utcnow

PACE_DAYS = 7
LEAST_DECISIONS = 10
LEAST_SPAN = timedelta(days=1)
"""Ten decisions in one busy hour say nothing about the night: an estimate needs at least a full day."""


@dataclass(frozen=True)
class Pace:
    """How many cases were decided in how long."""

    decisions: int
    span: timedelta

    @classmethod
    def measured(cls, now: datetime) -> "Pace":
        """Over the last PACE_DAYS, or since the very first decision if that is later."""
        since = now - timedelta(days=PACE_DAYS)
        decided, first = queries.decisions_since(since)
        return cls(decided, now - max(since, first) if first else timedelta())

    def seconds_until(self, place: int) -> float | None:
        """How long ``place`` decisions take; None if there were too few to estimate."""
        if self.decisions < LEAST_DECISIONS or self.span < LEAST_SPAN:
            return None
        return place * self.span.total_seconds() / self.decisions


@dataclass(frozen=True)
class PlaceInLine:
    """``place`` (1 = next) in a line of ``length``; ``seconds`` to wait, None: no estimate yet.

    Place and length are capped as in ``webapp.core.counts``: MOST + 1 means anything beyond MOST.
    """

    place: int
    length: int
    seconds: float | None


def places_of(cases: Sequence[Case]) -> Mapping[int, PlaceInLine]:
    """By case id, for those of ``cases`` that are open."""
    open_ids = [case.id for case in cases if case.is_open]
    if not open_ids:
        return {}
    line = queries.front_of_line()
    places = {case_id: place for place, case_id in enumerate(line, start=1)}
    pace, found = Pace.measured(utcnow()), {}
    for case_id in open_ids:
        place = places.get(case_id, MOST + 1)
        found[case_id] = PlaceInLine(place, len(line), pace.seconds_until(place))
    return found
