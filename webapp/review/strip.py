"""The case in one strip above its images: what is suspected and where, what came before, what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from ml.patterns import Lesion
from webapp.cases import queries as cases
from webapp.cases.blindness import hides_decisions
from webapp.models import Case, Image, User
from webapp.review.lead import Lead, in_short
from webapp.triage import concern, due, switch
from webapp.triage.concern import Suspicion


@dataclass(frozen=True)
class Suspected:
    """A cancer that the case's images give a probability for, and the image that gives it."""

    case: Case
    found: Suspicion

    @property
    def words(self) -> str:
        return f"{in_short(self.found)} {'suspected' if self.found.suspected else 'not suspected'}"

    @cached_property
    def image(self) -> Image:
        return concern.origin(self.case, self.found)

    @property
    def trusted(self) -> bool:
        return concern.trusted(concern.result(self.image))


@dataclass(frozen=True)
class CaseStrip:
    case: Case
    user: User

    @cached_property
    def lead(self) -> Suspected | None:
        """The lead suspicion; None if an image without a trusted result comes first."""
        found = concern.lead(self.case)
        return Suspected(self.case, found) if found else None

    @property
    def doubt(self) -> str:
        """What comes first instead of a lead suspicion, in words."""
        return "" if self.lead else Lead(self.case).doubt

    @property
    def beside(self) -> list[Suspected]:
        """BCC, always, and every other cancer that any image suspects; not the lead."""
        first = self.lead.found.lesion if self.lead else None
        others = [found for found in concern.suspicions(self.case) if found.lesion is not first]
        return [Suspected(self.case, found) for found in others if found.suspected or found.lesion is Lesion.BCC]

    @property
    def without_result(self) -> list[int]:
        """Positions of the images without a trusted result; none if the model is switched off for all of them."""
        if switch.is_off():
            return []
        return [image.position for image in self.case.images if not concern.trusted(concern.result(image))]

    @property
    def due_at(self) -> datetime:
        return due.due_at(self.case)

    @property
    def overdue(self) -> bool:
        return due.is_past(self.case)

    @cached_property
    def earlier(self) -> list[Case]:
        """Earlier cases of the same lesion, newest first."""
        return cases.lesion_history(self.user, self.case)

    @cached_property
    def _of_patient(self) -> list[Case]:
        return cases.of_patient(self.user, self.case)

    @cached_property
    def later(self) -> list[Case]:
        """Later cases of the same lesion, newest first."""
        same, found = {self.case.id, *(case.id for case in self.earlier)}, []
        for case in reversed(self._of_patient):
            if case.follows_id in same and case.id not in same:
                same.add(case.id)
                found.append(case)
        return found[::-1]

    @property
    def others(self) -> list[Case]:
        """The patient's latest cases of other lesions at the centre, newest first."""
        same = {self.case.id, *(case.id for case in [*self.earlier, *self.later])}
        return [case for case in self._of_patient if case.id not in same]

    def seals(self, case: Case) -> bool:
        """Whether what was decided or found of another case must not be seen yet."""
        return hides_decisions(self.user, case)
