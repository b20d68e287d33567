"""A period's cases counted by what they have in common: where they came from, and what model, dermatologist and
pathologist said. A region has hundreds of thousands a year, so only the missed ones are kept individually.
"""

from array import array
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from webapp.admin.queries import versions
from webapp.admin.reports import queries
from webapp.models import Diagnosis, HistologyResult, Urgency
from webapp.triage import switch

MOST_MISSED = 50
"""How many of them are listed."""


class ModelVerdict(StrEnum):
    """What the model says of a whole case."""

    SUSPECTS = "suspects"
    DOES_NOT_SUSPECT = "does_not_suspect"
    NO_RESULT = "no_result"

    @property
    def label(self) -> str:
        return {
            "suspects": "Suspects BCC",
            "does_not_suspect": "Does not suspect BCC",
            "no_result": "No reliable result",
        }[self.value]

    @classmethod
    def of(cls, sure: int | None, present: int | None) -> "ModelVerdict":
        """One image without a usable result (``sure`` is 0) leaves the whole case without a reliable one."""
        if not sure:
            return cls.NO_RESULT
        return cls.SUSPECTS if present else cls.DOES_NOT_SUSPECT


class Source(NamedTuple):
    centre: str
    phototype: int | None
    urgency: Urgency


class Kind(NamedTuple):
    """``diagnosis`` and ``histology``: the latest; ``unaided``: the last diagnosis before a histology was known."""

    source: Source
    verdict: ModelVerdict
    diagnosis: Diagnosis | None
    unaided: Diagnosis | None
    histology: HistologyResult | None

    @classmethod
    def of(cls, row: Sequence[Any]) -> "Kind":
        """From a row of ``queries.each_case``."""
        centre, phototype, urgency, sure, present, diagnosis, unaided, histology = row
        return cls(
            Source(centre, phototype, Urgency(urgency)),
            ModelVerdict.of(sure, present),
            Diagnosis(diagnosis) if diagnosis else None,
            Diagnosis(unaided) if unaided else None,
            HistologyResult(histology) if histology else None,
        )

    @property
    def dermatologist_says_bcc(self) -> bool | None:
        """None if there is no decision, or if the dermatologist could not tell."""
        return says_bcc(self.diagnosis)

    @property
    def dermatologist_said_bcc(self) -> bool | None:
        """The same before a histology was known: whoever has read one agrees with it."""
        return says_bcc(self.unaided)

    @property
    def histology_says_bcc(self) -> bool | None:
        """None if there is none, or if the sample did not allow a diagnosis."""
        if self.histology in (None, HistologyResult.INCONCLUSIVE):
            return None
        return self.histology is HistologyResult.BCC

    @property
    def model_says_bcc(self) -> bool | None:
        """None if the model gave no reliable result."""
        return None if self.verdict is ModelVerdict.NO_RESULT else self.verdict is ModelVerdict.SUSPECTS

    @property
    def missed(self) -> bool:
        """BCC by the dermatologist's diagnosis that the model did not suspect."""
        return self.dermatologist_says_bcc is True and self.model_says_bcc is False


def says_bcc(diagnosis: Diagnosis | None) -> bool | None:
    return None if diagnosis in (None, Diagnosis.UNCERTAIN) else diagnosis is Diagnosis.BCC


@dataclass(frozen=True)
class Missed:
    """``probability``: the highest P(BCC) of its images."""

    number: str
    centre: str
    phototype: int | None
    submitted_at: datetime
    probability: float | None


@dataclass
class Period:
    """``waited``: seconds from sending to the first answer; ``sent``: cases from each of ``gather``'s moments to the
    next; ``missed``: the latest MOST_MISSED.
    """

    sent: list[int]
    counts: Counter[Kind] = field(default_factory=Counter)
    waited: "defaultdict[Source, array[float]]" = field(default_factory=lambda: defaultdict(lambda: array("d")))
    missed: list[Missed] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.counts.total()


def gather(moments: Sequence[datetime], version_id: int | None = None) -> Period:
    """The cases sent since the first of ``moments``, with the model's results in force, or those of one version.

    Without any result while the model is switched off.
    """
    period = Period([0] * len(moments))
    first = queries.first_since(moments[0])
    if first is None:
        return period
    begins = [moment.timestamp() for moment in moments]
    thresholds = {} if switch.is_off() else {version.id: version.threshold for version in versions()}
    kinds: dict[Sequence[Any], Kind] = {}
    missed: list[tuple[float, int, float | None]] = []
    for row in queries.each_case(moments[0], first, thresholds, version_id):
        case, submitted, waited, probability = row[:4]
        kind = kinds.get(row[4:]) or kinds.setdefault(row[4:], Kind.of(row[4:]))
        period.counts[kind] += 1
        period.sent[max(0, bisect_right(begins, submitted) - 1)] += 1
        if waited is not None:
            period.waited[kind.source].append(waited)
        if kind.missed:
            missed.append((submitted, case, probability))
    period.missed = _named({case: probability for _sent, case, probability in sorted(missed)[: -MOST_MISSED - 1 : -1]})
    return period


def _named(probabilities: Mapping[int, float | None]) -> list[Missed]:
    rows = queries.cases_named(probabilities) if probabilities else {}
    return [
        Missed(rows[case].number, rows[case].centre, rows[case].phototype, rows[case].submitted_at, probability)
        for case, probability in probabilities.items()
        if case in rows
    ]
