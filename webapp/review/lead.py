"""What is said of a case first, in words: its lead suspicion, or why the model's result does not lead."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from ml.patterns import Lesion
from webapp.analysis import cards
from webapp.core.filters import percent
from webapp.models import Case, TriageReason
from webapp.triage import concern, switch
from webapp.triage.concern import Suspicion


@dataclass(frozen=True)
class Lead:
    case: Case

    @cached_property
    def suspicion(self) -> Suspicion | None:
        return concern.lead(self.case)

    @property
    def words(self) -> str:
        """For example "Melanoma 94 %" or "Not dermoscopy"."""
        return in_short(self.suspicion) if self.suspicion else self.doubt

    @property
    def kind(self) -> str:
        """How it is drawn."""
        if self.suspicion is None:
            return "doubt"
        return "suspected" if self.suspicion.suspected else "calm"

    @property
    def doubt(self) -> str:
        """Why some image has no trusted result."""
        if switch.is_off():
            return TriageReason.MODEL_OFF.label
        unsure = self.case.triage_reason is TriageReason.MODEL_UNSURE
        if unsure and any(analysis.not_dermoscopic for analysis in concern.done(self.case)):
            return "Not dermoscopy"
        return self.case.triage_reason.label

    @property
    def rest(self) -> list[str]:
        """What else the model found."""
        return list(self._rest())

    def _rest(self) -> Iterator[str]:
        others = [_inside(in_short(found)) for found in concern.suspected(self.case) if not self._leads(found)]
        if self.suspicion is None:
            yield from self._messages
        elif not self.suspicion.suspected:
            yield "no cancer suspected"
        if others:
            yield f"also {', '.join(others)}" if self.suspicion else f"{', '.join(others)}, not trusted"
        if self.suspicion is not None and self._untrusted:
            yield f"{self._untrusted} of {len(self.case.images)} images: {self.doubt.lower()}"
        if any(concern.contradicts_itself(analysis) for analysis in concern.done(self.case)):
            yield "rule and probability disagree"
        if self.at_centre_rate is not None:
            yield f"BCC {percent(self.at_centre_rate)} at the centre's rate of {percent(self.case.centre.bcc_rate)}"

    def _leads(self, found: Suspicion) -> bool:
        return self.suspicion is not None and self.suspicion.lesion is found.lesion

    @property
    def _untrusted(self) -> int:
        return sum(not concern.trusted(concern.result(image)) for image in self.case.images)

    @property
    def _messages(self) -> list[str]:
        """The model's own reasons for asking for a person, each once."""
        found = [reason["message"] for analysis in concern.done(self.case) for reason in analysis.reasons]
        return [message.rstrip(".") for message in dict.fromkeys(found)]

    @property
    def at_centre_rate(self) -> float | None:
        """The highest P(BCC) of its images at the centre's own rate, where it has one. Orders nothing."""
        rate = self.case.centre.bcc_rate
        found = [cards.at_centre_rate(analysis, rate) for analysis in concern.done(self.case)] if rate else []
        return max((probability for probability in found if probability is not None), default=None)


def in_short(suspicion: Suspicion) -> str:
    return f"{short_name(suspicion.lesion)} {percent(suspicion.probability)}"


def short_name(lesion: Lesion) -> str:
    """BCC and SCC by their usual letters."""
    return lesion.label if lesion is Lesion.MEL else lesion.target


def _inside(words: str) -> str:
    """As it is written inside a sentence."""
    return words if words[:2].isupper() else words[0].lower() + words[1:]
