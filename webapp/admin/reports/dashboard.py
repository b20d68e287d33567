"""What the dashboard shows for a period: numbers, and the charts made from them."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from webapp.admin.reports import charts
from webapp.admin.reports.agreement import Agreement
from webapp.admin.reports.facts import Kind, Missed, ModelVerdict, Period, Source
from webapp.admin.reports.statistics import Accuracy, percentile
from webapp.models import Diagnosis, Urgency

PERIODS = {30: "30 days", 90: "90 days", 365: "12 months"}
DAYS_AS_BARS = 30
"""A longer period gets one bar per week."""
HOUR = 3600.0
NOT_STATED = "Not stated"
PHOTOTYPES = ("I", "II", "III", "IV", "V", "VI")


def beginning(days: int, zone: ZoneInfo, now: datetime) -> datetime:
    """Local midnight that begins a period of ``days`` days, today included."""
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days - 1)


def steps(days: int, zone: ZoneInfo, now: datetime) -> list[datetime]:
    """The start of each of the chart's days, or of each week of a longer period."""
    since = beginning(days, zone, now)
    return [since + timedelta(days=day) for day in range(0, days, 1 if days <= DAYS_AS_BARS else 7)]


@dataclass(frozen=True)
class WaitingTimes:
    """Hours from sending to the first answer."""

    name: str
    sent: int
    answered: int
    median: float | None
    ninetieth: float | None


@dataclass(frozen=True)
class Group:
    """The cases of one centre or phototype; the model's figures are against the dermatologist's diagnosis."""

    name: str
    sent: int
    decided: int
    bcc: int
    accuracy: Accuracy
    median_wait: float | None


@dataclass(frozen=True)
class Dashboard:
    """``begins``: see ``steps``."""

    period: Period
    days: int
    begins: list[datetime]

    @property
    def sent(self) -> int:
        return self.period.total

    @cached_property
    def per_day(self) -> list[tuple[str, int]]:
        """Cases sent on each day, or in each week of a longer period, by the local date on which it begins."""
        return [(day_name(begin.date()), count) for begin, count in zip(self.begins, self.period.sent, strict=True)]

    @property
    def weekly(self) -> bool:
        return self.days > DAYS_AS_BARS

    @cached_property
    def per_day_chart(self) -> charts.BarChart:
        return charts.bars(self.per_day)

    @cached_property
    def waiting(self) -> list[WaitingTimes]:
        rows = [_waiting(urgency.label, self.period, {urgency}) for urgency in reversed(Urgency)]
        return [_waiting("All cases", self.period, set(Urgency)), *(row for row in rows if row.sent)]

    @cached_property
    def waiting_chart(self) -> charts.RangeChart:
        rows = [(row.name, row.median, row.median, row.ninetieth) for row in self.waiting if row.median is not None]
        most = charts.ceiling(max((high or 0.0 for *_row, high in rows), default=0.0))
        return charts.ranges([(name, low, value, high or value) for name, low, value, high in rows], most, " h")

    @cached_property
    def cross_table(self) -> list[tuple[ModelVerdict, list[int]]]:
        """Decided cases: a row for each result of the model, a column for each diagnosis, in the order of the enums."""
        counts: Counter[tuple[ModelVerdict, Diagnosis | None]] = Counter()
        for kind, count in self.period.counts.items():
            counts[kind.verdict, kind.diagnosis] += count
        return [(verdict, [counts[verdict, diagnosis] for diagnosis in Diagnosis]) for verdict in ModelVerdict]

    @property
    def diagnoses(self) -> list[Diagnosis]:
        return list(Diagnosis)

    @cached_property
    def agreement(self) -> Agreement:
        return Agreement(self.period.counts)

    @property
    def missed(self) -> list[Missed]:
        """The latest first; not necessarily all of them."""
        return self.period.missed

    @cached_property
    def missed_count(self) -> int:
        return sum(count for kind, count in self.period.counts.items() if kind.missed)

    @cached_property
    def per_centre(self) -> list[Group]:
        return self._groups(_centre_name, sorted({kind.source.centre for kind in self.period.counts}))

    @cached_property
    def per_phototype(self) -> list[Group]:
        names = [f"Phototype {roman}" for roman in PHOTOTYPES]
        return self._groups(phototype_name, [*names, NOT_STATED])

    def _groups(self, name_of: Callable[[Source], str], names: Iterable[str]) -> list[Group]:
        members: dict[str, Counter[Kind]] = {name: Counter() for name in names}
        for kind, count in self.period.counts.items():
            members[name_of(kind.source)][kind] = count
        waited: dict[str, list[float]] = {name: [] for name in members}
        for source, seconds in self.period.waited.items():
            waited[name_of(source)].extend(seconds)
        return [_group(name, counts, waited[name]) for name, counts in members.items() if counts]

    @property
    def per_centre_chart(self) -> charts.RangeChart:
        return sensitivity_chart(self.per_centre)

    @property
    def per_phototype_chart(self) -> charts.RangeChart:
        return sensitivity_chart(self.per_phototype)


def _centre_name(source: Source) -> str:
    return source.centre


def phototype_name(source: Source) -> str:
    return f"Phototype {PHOTOTYPES[source.phototype - 1]}" if source.phototype else NOT_STATED


def day_name(day: date) -> str:
    return f"{day.day} {day:%b}"


def sensitivity_chart(groups: list[Group]) -> charts.RangeChart:
    """Sensitivity with its interval, in percent, of the groups that have a BCC."""
    rows = []
    for group in groups:
        found = group.accuracy.sensitivity
        if found is not None:
            rows.append((group.name, found.low * 100, found.value * 100, found.high * 100))
    return charts.ranges(rows, 100, " %")


def _waiting(name: str, period: Period, among: set[Urgency]) -> WaitingTimes:
    hours = [
        seconds / HOUR for source, waited in period.waited.items() if source.urgency in among for seconds in waited
    ]
    sent = sum(count for kind, count in period.counts.items() if kind.source.urgency in among)
    return WaitingTimes(name, sent, len(hours), percentile(hours, 50), percentile(hours, 90))


def _group(name: str, counts: Counter[Kind], waited: list[float]) -> Group:
    median = percentile(waited, 50)
    return Group(
        name=name,
        sent=counts.total(),
        decided=sum(count for kind, count in counts.items() if kind.diagnosis is not None),
        bcc=sum(count for kind, count in counts.items() if kind.dermatologist_says_bcc),
        accuracy=Agreement(counts).model,
        median_wait=None if median is None else median / HOUR,
    )
