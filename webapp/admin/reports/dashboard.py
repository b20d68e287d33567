"""What the dashboard shows of a period: numbers first, and the charts made of them."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from webapp.admin.reports import charts
from webapp.admin.reports.agreement import Agreement
from webapp.admin.reports.facts import Answer, CaseFacts
from webapp.admin.reports.statistics import Accuracy, percentile
from webapp.models import Diagnosis, Urgency

PERIODS = {30: "30 days", 90: "90 days", 365: "12 months"}
DAYS_AS_BARS = 30
"""A longer period has one bar a week."""
MOST_MISSED = 50
HOUR = 3600.0
NOT_STATED = "Not stated"
PHOTOTYPES = ("I", "II", "III", "IV", "V", "VI")


def beginning(days: int, zone: ZoneInfo, now: datetime) -> datetime:
    """Local midnight that begins a period of ``days`` days, today included."""
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - timedelta(days=days - 1)


@dataclass(frozen=True)
class Waiting:
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
    cases: list[CaseFacts]
    days: int
    since: datetime
    zone: ZoneInfo

    @cached_property
    def per_day(self) -> list[tuple[str, int]]:
        """Cases sent on each day, or in each week of a longer period, by the local date it begins with."""
        step = 1 if self.days <= DAYS_AS_BARS else 7
        first = self.since.astimezone(self.zone).date()
        counts = [0] * -(-self.days // step)
        for case in self.cases:
            place = (case.submitted_at.astimezone(self.zone).date() - first).days // step
            if 0 <= place < len(counts):
                counts[place] += 1
        return [(day_name(first + timedelta(days=step * i)), count) for i, count in enumerate(counts)]

    @property
    def weekly(self) -> bool:
        return self.days > DAYS_AS_BARS

    @cached_property
    def per_day_chart(self) -> charts.BarChart:
        return charts.bars(self.per_day)

    @cached_property
    def waiting(self) -> list[Waiting]:
        rows = [_waiting("All cases", self.cases)]
        groups = ((urgency, [case for case in self.cases if case.urgency is urgency]) for urgency in reversed(Urgency))
        return rows + [_waiting(urgency.label, group) for urgency, group in groups if group]

    @cached_property
    def waiting_chart(self) -> charts.RangeChart:
        rows = [(row.name, row.median, row.median, row.ninetieth) for row in self.waiting if row.median is not None]
        most = charts.ceiling(max((high or 0.0 for *_row, high in rows), default=0.0))
        return charts.ranges([(name, low, value, high or value) for name, low, value, high in rows], most, " h")

    @cached_property
    def cross_table(self) -> list[tuple[Answer, list[int]]]:
        """Decided cases: a row for each answer of the model, a column for each diagnosis, in the order of the enums."""
        counts = Counter((case.answer, case.diagnosis) for case in self.cases)
        return [(answer, [counts[answer, diagnosis] for diagnosis in Diagnosis]) for answer in Answer]

    @property
    def diagnoses(self) -> list[Diagnosis]:
        return list(Diagnosis)

    @cached_property
    def agreement(self) -> Agreement:
        return Agreement(self.cases)

    @cached_property
    def missed(self) -> list[CaseFacts]:
        """BCC by the dermatologist's diagnosis that the model did not suspect, the latest first."""
        found = [case for case in self.cases if case.dermatologist_says_bcc and case.model_says_bcc is False]
        return found[::-1]

    @property
    def missed_shown(self) -> list[CaseFacts]:
        return self.missed[:MOST_MISSED]

    @cached_property
    def per_centre(self) -> list[Group]:
        return self._groups(lambda case: case.centre, sorted({case.centre for case in self.cases}))

    @cached_property
    def per_phototype(self) -> list[Group]:
        names = [f"Phototype {roman}" for roman in PHOTOTYPES]
        return self._groups(phototype_name, [*names, NOT_STATED])

    def _groups(self, name_of: Callable[[CaseFacts], str], names: Iterable[str]) -> list[Group]:
        members: dict[str, list[CaseFacts]] = {name: [] for name in names}
        for case in self.cases:
            members[name_of(case)].append(case)
        return [_group(name, cases) for name, cases in members.items() if cases]

    @property
    def per_centre_chart(self) -> charts.RangeChart:
        return sensitivity_chart(self.per_centre)

    @property
    def per_phototype_chart(self) -> charts.RangeChart:
        return sensitivity_chart(self.per_phototype)


def phototype_name(case: CaseFacts) -> str:
    return f"Phototype {PHOTOTYPES[case.phototype - 1]}" if case.phototype else NOT_STATED


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


def _waiting(name: str, cases: list[CaseFacts]) -> Waiting:
    hours = [seconds / HOUR for case in cases if (seconds := case.waited_seconds) is not None]
    return Waiting(name, len(cases), len(hours), percentile(hours, 0.5), percentile(hours, 0.9))


def _group(name: str, cases: list[CaseFacts]) -> Group:
    return Group(
        name=name,
        sent=len(cases),
        decided=sum(case.diagnosis is not None for case in cases),
        bcc=sum(case.dermatologist_says_bcc is True for case in cases),
        accuracy=Agreement(cases).model,
        median_wait=_waiting(name, cases).median,
    )
