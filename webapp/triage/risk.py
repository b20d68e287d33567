"""Which decisions need a reason, and what must be seen before deciding."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

from webapp.models import Addition, Case, Diagnosis, Management, OpinionRequest, Review
from webapp.triage import concern, switch

EARLY = (Management.URGENT_REFERRAL, Management.BIOPSY)
"""An early appointment: if the lesion is a cancer, it is not missed."""


LETTERS = "aohicn"
"""By which a form tells the parts of ``Shown`` apart, in their order."""


@dataclass(frozen=True)
class Shown:
    """Ids of what was on the page with the form: images, model results, second opinions, histology results, corrections
    of the patient's reference, what the GP added.
    """

    analyses: frozenset[int] = frozenset()
    opinions: frozenset[int] = frozenset()
    histologies: frozenset[int] = frozenset()
    images: frozenset[int] = frozenset()
    corrections: frozenset[int] = frozenset()
    additions: frozenset[int] = frozenset()

    @classmethod
    def of(cls, case: Case) -> "Shown":
        return cls(
            frozenset(analysis.id for analysis in concern.done(case)),
            frozenset(request.id for request in _opinions(case)),
            frozenset(histology.id for histology in case.histologies),
            frozenset(image.id for image in case.images),
            frozenset(correction.id for correction in case.corrections),
            frozenset(addition.id for addition in _notes(case)),
        )

    def __str__(self) -> str:
        """As a form field holds it, for example "a12 a13 o2"."""
        parts = zip(LETTERS, (getattr(self, part.name) for part in fields(self)), strict=True)
        return " ".join(f"{letter}{number}" for letter, numbers in parts for number in sorted(numbers))

    @classmethod
    def parse(cls, text: str) -> "Shown":
        """Ignores what is not such an id: it then counts as not seen."""
        words = [word for word in text.split() if word[1:].isdecimal()]
        return cls(*(frozenset(int(word[1:]) for word in words if word[0] == letter) for letter in LETTERS))


def unseen(case: Case, shown: Shown) -> list[str]:
    """In words, what has arrived since and must be seen before deciding; empty if nothing."""
    results = [a for a in concern.done(case) if a.id not in shown.analyses and concern.suspects_cancer(a)]
    opinions = [request for request in _opinions(case) if request.id not in shown.opinions]
    histologies = [histology for histology in case.histologies if histology.id not in shown.histologies]
    images = [image for image in case.images if image.id not in shown.images]
    corrections = [correction for correction in case.corrections if correction.id not in shown.corrections]
    notes = [addition for addition in _notes(case) if addition.id not in shown.additions]
    found = {
        "the GP has added a note": notes,
        "the patient reference has been corrected": corrections,
        "new images have been added": images,
        "a model result that suspects a cancer has arrived": results,
        "a second opinion has arrived": opinions,
        "a histology result has been entered": histologies,
    }
    return [words for words, rows in found.items() if rows]


def reasons_for_concern(case: Case, diagnosis: Diagnosis | None = None) -> list[str]:
    """In words, everything that speaks against reassuring; empty if nothing does.

    ``diagnosis``: the reader's own. A reassuring decision needs a typed reason unless this is empty. That there is no
    result because the model is switched off says nothing about a case: everybody knows it, and every case is read so.
    """
    missing = not switch.is_off() and not concern.fully_trusted(case)
    suspected = [f"the model suspects {_named(suspicion)}" for suspicion in concern.suspected(case)]
    found = {
        "your diagnosis is a skin cancer": diagnosis in concern.CANCER,
        "you cannot tell from these images": diagnosis is Diagnosis.UNCERTAIN,
        "the earlier decision has been called into question": case.reopened is not None,
        **dict.fromkeys(suspected, True),
        "there is no trusted result of the model for every image": missing,
        "the histology found a cancer": case.histology is not None and case.histology.result.is_cancer,
        "a second opinion has not been read": any(request.seen_at is None for request in _opinions(case)),
        "a second opinion suspects a cancer": any(_suspects_cancer(request) for request in _opinions(case)),
    }
    return [words for words, holds in found.items() if holds]


def would_miss_a_cancer(review: Review) -> bool:
    """Whether the decision, if the lesion is a cancer, leaves it without an early appointment."""
    return review.management not in EARLY


def joined(parts: Iterable[str]) -> str:
    """For a sentence: "one", "one and two", "one, two and three"."""
    *most, last = parts
    return f"{', '.join(most)} and {last}" if most else last


def _named(suspicion: concern.Suspicion) -> str:
    name = suspicion.lesion.label
    return f"{name[0].lower()}{name[1:]}"


def _notes(case: Case) -> list[Addition]:
    return [addition for addition in case.additions if addition.note]


def _opinions(case: Case) -> list[OpinionRequest]:
    return [request for request in case.opinion_requests if request.opinion is not None]


def _suspects_cancer(request: OpinionRequest) -> bool:
    return request.opinion is not None and request.opinion.diagnosis in concern.CANCER
