"""Model, dermatologist and histology, in pairs and all three together."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

from webapp.admin.reports.facts import Kind
from webapp.admin.reports.statistics import Accuracy

Side = Callable[[Kind], bool | None]
SAYS = {True: "BCC", False: "not BCC"}


@dataclass(frozen=True)
class Comparison:
    """What one side says against another that counts as the truth."""

    answers: str
    truth: str
    accuracy: Accuracy


@dataclass(frozen=True)
class Combination:
    """What model and dermatologist said, and how many of these cases histology called BCC, or not."""

    model: str
    dermatologist: str
    bcc: int
    not_bcc: int

    @property
    def n(self) -> int:
        return self.bcc + self.not_bcc


@dataclass(frozen=True)
class Agreement:
    """``counts``: cases of each kind."""

    counts: Mapping[Kind, int]

    @cached_property
    def model(self) -> Accuracy:
        """The model against the dermatologist."""
        return self._accuracy(_model, lambda kind: kind.dermatologist_says_bcc)

    @cached_property
    def comparisons(self) -> list[Comparison]:
        """Compared with histology, the dermatologist's diagnosis is the one made before it was known."""
        return [
            Comparison("Model", "dermatologist", self.model),
            Comparison("Model", "histology", self._accuracy(_model, _histology)),
            Comparison("Dermatologist", "histology", self._accuracy(_reader, _histology)),
        ]

    def _accuracy(self, answer: Side, truth: Side) -> Accuracy:
        """Over the cases on which both say one or the other."""
        counts: Counter[tuple[bool, bool]] = Counter()
        for kind, count in self.counts.items():
            said, true = answer(kind), truth(kind)
            if said is not None and true is not None:
                counts[said, true] += count
        return Accuracy.of(counts)

    @cached_property
    def with_histology(self) -> int:
        return sum(count for kind, count in self.counts.items() if kind.histology is not None)

    @cached_property
    def combinations(self) -> list[Combination]:
        """Every combination of yes and no, over the cases on which all three say one or the other."""
        counts: Counter[tuple[bool | None, ...]] = Counter()
        for kind, count in self.counts.items():
            counts[_model(kind), _reader(kind), _histology(kind)] += count
        return [
            Combination(SAYS[model], SAYS[reader], counts[model, reader, True], counts[model, reader, False])
            for model in SAYS
            for reader in SAYS
        ]

    @cached_property
    def complete(self) -> int:
        """Cases on which all three say BCC or not."""
        return sum(row.n for row in self.combinations)


def _model(kind: Kind) -> bool | None:
    return kind.model_says_bcc


def _reader(kind: Kind) -> bool | None:
    return kind.dermatologist_said_bcc


def _histology(kind: Kind) -> bool | None:
    return kind.histology_says_bcc
