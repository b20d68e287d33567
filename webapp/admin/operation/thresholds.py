"""What an operating point would mean here: expected figures at the local prevalence and workload."""

from dataclasses import dataclass
from datetime import timedelta

from webapp.admin.operation import queries
from webapp.admin.reports.facts import says_bcc
from webapp.admin.reports.queries import diagnoses_since
from webapp.admin.reports.statistics import Estimate, proportion
from webapp.models import ModelVersion, utcnow
from webapp.models.operating_point import OperatingPoint
from webapp.triage.risk import joined

LOOK_BACK_DAYS = 365
WORKLOAD_DAYS = 30


@dataclass(frozen=True)
class Local:
    """What is known locally: BCC among the decided cases of a year, cases a day in the last month."""

    prevalence: Estimate | None
    cases_per_day: float


def local() -> Local:
    now = utcnow()
    decided = {True: 0, False: 0}
    for diagnosis, count in diagnoses_since(now - timedelta(days=LOOK_BACK_DAYS)).items():
        bcc = says_bcc(diagnosis)
        if bcc is not None:
            decided[bcc] += count
    sent = queries.cases_sent_since(now - timedelta(days=WORKLOAD_DAYS))
    return Local(proportion(decided[True], sum(decided.values())), sent / WORKLOAD_DAYS)


@dataclass(frozen=True)
class Expectation:
    """An operating point where ``prevalence`` (0 to 1) of ``cases_per_day`` are BCC."""

    point: OperatingPoint
    prevalence: float
    cases_per_day: float

    @property
    def suspected_per_day(self) -> float:
        """Cases a day in which BCC is suspected, rightly or not."""
        return self.cases_per_day * (self._right + self._wrong)

    @property
    def ppv(self) -> float | None:
        """Share of BCC among the suspected cases (Bayes' theorem); None if nothing would be suspected."""
        suspected = self._right + self._wrong
        return self._right / suspected if suspected else None

    @property
    def _right(self) -> float:
        return self.point.sensitivity * self.prevalence

    @property
    def _wrong(self) -> float:
        return (1 - self.point.specificity) * (1 - self.prevalence)


@dataclass(frozen=True)
class Offer:
    """An operating point to choose, with ``others`` on the card that are one with it but for their target."""

    point: OperatingPoint
    others: list[OperatingPoint]

    @property
    def targets(self) -> str:
        """For example "90 %", or "90 % and 95 %" of points that are one."""
        found = sorted(point.target_sensitivity for point in [self.point, *self.others])
        return joined(f"{target * 100:g} %" for target in found)


def offers(version: ModelVersion) -> list[Offer]:
    """The card's operating points, each different one once: by the target in force, otherwise by its highest."""
    left, found = version.operating_points, []
    while left:
        one = [point for point in left if point.is_one_with(left[0])]
        left = [point for point in left if point not in one]
        point = version.operating_point
        if point not in one or point is None:
            point = max(one, key=lambda point: point.target_sensitivity)
        found.append(Offer(point, [other for other in one if other != point]))
    return found
