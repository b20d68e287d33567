"""The case in one strip above its images: what is suspected and where, what came before, what was asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from ml.patterns import Lesion
from webapp.cases import queries as cases
from webapp.core.filters import percent
from webapp.models import Case, Image, User
from webapp.triage import concern, due

SHORT = {Lesion.BCC: "BCC", Lesion.SCC: "SCC", Lesion.MEL: "Melanoma"}
"""As clinicians abbreviate them, where space is short."""


@dataclass(frozen=True)
class Suspected:
    """A cancer's highest probability in the case, and the image that gives it."""

    lesion: Lesion
    probability: float
    image: Image
    suspected: bool

    @property
    def words(self) -> str:
        return f"{SHORT[self.lesion]} {percent(self.probability)}"


@dataclass(frozen=True)
class CaseStrip:
    case: Case
    user: User

    @cached_property
    def _all(self) -> list[Suspected]:
        found = []
        for suspicion in concern.suspicions(self.case):
            if given := concern.strongest(self.case, suspicion.lesion):
                found.append(Suspected(suspicion.lesion, *given, suspicion.suspected))
        return found

    @property
    def lead(self) -> Suspected | None:
        """The lead suspicion: the likeliest suspected cancer, else the likeliest cancer."""
        return self._all[0] if self._all else None

    @property
    def beside(self) -> list[Suspected]:
        """BCC, always, and every other cancer that is suspected; not the lead."""
        return [found for found in self._all[1:] if found.suspected or found.lesion is Lesion.BCC]

    @property
    def without_result(self) -> list[int]:
        """Positions of the images without a trusted result."""
        return [image.position for image in self.case.images if not concern.trusted(image.current_analysis)]

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
