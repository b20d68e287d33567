"""One line for each case of a period: when it came, what model, dermatologist and pathologist said."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from webapp.admin.reports import queries
from webapp.models import Diagnosis, HistologyResult, Urgency


class Answer(StrEnum):
    """What the model says of a whole case."""

    SUSPECTS = "suspects"
    DOES_NOT_SUSPECT = "does_not_suspect"
    NO_ANSWER = "no_answer"

    @property
    def label(self) -> str:
        return {
            "suspects": "Suspects BCC",
            "does_not_suspect": "Does not suspect BCC",
            "no_answer": "No reliable answer",
        }[self.value]


@dataclass
class CaseFacts:
    """``probability``: the highest P(BCC) of the images; ``diagnosis`` and ``histology``: the latest; ``unaided``: the
    last diagnosis before a histology was known; ``answered_at``: the first time."""

    number: str
    centre: str
    phototype: int | None
    urgency: Urgency
    submitted_at: datetime
    answer: Answer = Answer.NO_ANSWER
    probability: float | None = None
    diagnosis: Diagnosis | None = None
    unaided: Diagnosis | None = None
    histology: HistologyResult | None = None
    answered_at: datetime | None = None

    @property
    def waited_seconds(self) -> float | None:
        return (self.answered_at - self.submitted_at).total_seconds() if self.answered_at else None

    @property
    def dermatologist_says_bcc(self) -> bool | None:
        """None where there is no decision, or where it could not be told."""
        return _is_bcc(self.diagnosis)

    @property
    def dermatologist_said_bcc(self) -> bool | None:
        """The same before a histology was known: who has read it agrees with it."""
        return _is_bcc(self.unaided)

    @property
    def histology_says_bcc(self) -> bool | None:
        """None where there is none, or where the sample did not allow a diagnosis."""
        if self.histology in (None, HistologyResult.INCONCLUSIVE):
            return None
        return self.histology is HistologyResult.BCC

    @property
    def model_says_bcc(self) -> bool | None:
        """None where the model gave no reliable answer."""
        return None if self.answer is Answer.NO_ANSWER else self.answer is Answer.SUSPECTS


def _is_bcc(diagnosis: Diagnosis | None) -> bool | None:
    return None if diagnosis in (None, Diagnosis.UNCERTAIN) else diagnosis is Diagnosis.BCC


@dataclass
class Answers:
    """The results of one case's images: P(BCC), whether it reaches the threshold, whether it may be relied on."""

    images: dict[int, tuple[float | None, bool, bool]] = field(default_factory=dict)

    @property
    def probability(self) -> float | None:
        return max((p for p, _present, _sure in self.images.values() if p is not None), default=None)

    def answer(self, expected: int) -> Answer:
        """One unsure or missing image of ``expected`` leaves the whole case without a reliable answer."""
        if len(self.images) < expected or not all(sure for _p, _present, sure in self.images.values()):
            return Answer.NO_ANSWER
        suspected = any(present for _p, present, _sure in self.images.values())
        return Answer.SUSPECTS if suspected else Answer.DOES_NOT_SUSPECT


def gather(since: datetime, version_id: int | None = None) -> list[CaseFacts]:
    """The cases sent since then, oldest first; the model's answers in force, or those of one version."""
    answers = _answers(queries.answers_since(since, version_id))
    images = queries.image_counts_since(since)
    cases = {
        row.id: CaseFacts(
            number=row.number,
            centre=row.centre,
            phototype=row.phototype,
            urgency=row.urgency,
            submitted_at=row.submitted_at,
            answer=answers[row.id].answer(images.get(row.id, 1)),
            probability=answers[row.id].probability,
        )
        for row in queries.cases_since(since)
    }
    _add_judgements(cases, since)
    return list(cases.values())


def _add_judgements(cases: dict[int, CaseFacts], since: datetime) -> None:
    """What dermatologist and pathologist said; a case that is not among ``cases`` was sent while we looked."""
    known_from: dict[int, datetime] = {}
    for entry in queries.histologies_since(since):
        known_from.setdefault(entry.case_id, entry.entered_at)
        if entry.case_id in cases:
            cases[entry.case_id].histology = entry.result
    for decision in queries.decisions_since(since):
        case = cases.get(decision.case_id)
        if case is None:
            continue
        case.diagnosis = decision.diagnosis
        case.answered_at = case.answered_at or decision.decided_at
        if decision.case_id not in known_from or decision.decided_at < known_from[decision.case_id]:
            case.unaided = decision.diagnosis


def _answers(rows: Iterable[Any]) -> defaultdict[int, Answers]:
    thresholds = {version.id: version.threshold for version in queries.versions()}
    found: defaultdict[int, Answers] = defaultdict(Answers)
    for row in rows:
        threshold = thresholds.get(row.model_version_id)
        usable = row.bcc_probability is not None and threshold is not None and row.needs_person is False
        present = row.bcc_probability is not None and threshold is not None and row.bcc_probability >= threshold
        found[row.case_id].images[row.image_id] = (row.bcc_probability, present, usable)
    return found
