"""Model, dermatologist and histology: each pair of them against each other, and all three at once."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from webapp.admin.reports.facts import CaseFacts
from webapp.admin.reports.statistics import Accuracy

SAYS = {True: "BCC", False: "not BCC"}


@dataclass(frozen=True)
class Comparison:
    """The answers of one side against another that counts as the truth."""

    answers: str
    truth: str
    accuracy: Accuracy


@dataclass(frozen=True)
class Combination:
    """What model and dermatologist said, and how many of these cases the histology called BCC, or not."""

    model: str
    dermatologist: str
    bcc: int
    not_bcc: int

    @property
    def n(self) -> int:
        return self.bcc + self.not_bcc


@dataclass(frozen=True)
class Agreement:
    cases: list[CaseFacts]

    @cached_property
    def model(self) -> Accuracy:
        """Of the model against the dermatologist."""
        return _accuracy((case.model_says_bcc, case.dermatologist_says_bcc) for case in self.cases)

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """With the histology, the dermatologist's diagnosis is the one made before it was known."""
        against_histology = [(case.model_says_bcc, case.histology_says_bcc) for case in self.cases]
        dermatologist = [(case.dermatologist_said_bcc, case.histology_says_bcc) for case in self.cases]
        return [
            Comparison("Model", "dermatologist", self.model),
            Comparison("Model", "histology", _accuracy(against_histology)),
            Comparison("Dermatologist", "histology", _accuracy(dermatologist)),
        ]

    @cached_property
    def with_histology(self) -> int:
        return sum(case.histology is not None for case in self.cases)

    @cached_property
    def combinations(self) -> list[Combination]:
        """Every combination of yes and no, over the cases of which all three say one or the other."""
        counts = Counter(
            (case.model_says_bcc, case.dermatologist_said_bcc, case.histology_says_bcc) for case in self.cases
        )
        return [
            Combination(SAYS[model], SAYS[reader], counts[model, reader, True], counts[model, reader, False])
            for model in SAYS
            for reader in SAYS
        ]

    @cached_property
    def complete(self) -> int:
        """Cases of which all three say BCC or not."""
        return sum(row.n for row in self.combinations)


def _accuracy(pairs: Iterable[tuple[bool | None, bool | None]]) -> Accuracy:
    return Accuracy.of([(answer, truth) for answer, truth in pairs if answer is not None and truth is not None])
