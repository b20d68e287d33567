"""What the GP's templates would otherwise have to work out."""

from dataclasses import dataclass

from flask import url_for
from werkzeug.utils import secure_filename

from webapp.models import Case, CaseState, Image, Review, TriageReason

LONGEST_NAME = 40


def file_label(position: int, filename: str | None) -> str:
    """How a message names an uploaded file: its place, and as much of its name as is harmless."""
    name = secure_filename(filename or "")
    return f"Image {position} ({name[:LONGEST_NAME]})" if name else f"Image {position}"


STATE_WORDS = {
    CaseState.SUBMITTED: "Being analysed",
    CaseState.AWAITING_REVIEW: "Waiting for a dermatologist",
    CaseState.IN_REVIEW: "Being read by a dermatologist",
    CaseState.REVIEWED: "Answered",
    CaseState.CLOSED: "Closed",
    CaseState.RETAKE_REQUESTED: "New images wanted",
    CaseState.WITHDRAWN: "Withdrawn",
}


@dataclass(frozen=True)
class CaseRow:
    """One line of the GP's list."""

    case: Case

    @property
    def state(self) -> str:
        return STATE_WORDS[self.case.state]

    @property
    def unread(self) -> bool:
        """Something waits for the GP."""
        return self.case.state in (CaseState.REVIEWED, CaseState.RETAKE_REQUESTED)

    @property
    def cover(self) -> Image | None:
        return self.case.images[0] if self.case.images else None

    @property
    def outcome(self) -> Review | None:
        return self.case.standing_review


@dataclass(frozen=True)
class Step:
    title: str
    detail: str
    status: str  # "done", "current" or "ahead"


_PLACE = {
    CaseState.SUBMITTED: 1,
    CaseState.AWAITING_REVIEW: 2,
    CaseState.IN_REVIEW: 2,
    CaseState.REVIEWED: 4,
    CaseState.CLOSED: 4,
}


@dataclass(frozen=True)
class Progress:
    """The stages of a case as the GP follows them: received → analysed → with the dermatologist → answered."""

    case: Case

    @property
    def steps(self) -> list[Step]:
        place = _PLACE.get(self.case.state, 2)
        texts = [
            ("Received", f"{len(self.case.images)} image{'s' if len(self.case.images) != 1 else ''} stored safely"),
            ("Analysis", self._analysis),
            ("Dermatologist", self._reading),
            ("Answer", "Ready to read" if place > 3 else "Not yet"),
        ]
        return [
            Step(title, detail, "done" if index < place else "current" if index == place else "ahead")
            for index, (title, detail) in enumerate(texts)
        ]

    @property
    def _analysis(self) -> str:
        reason = self.case.triage_reason
        if reason is TriageReason.AWAITING_ANALYSIS:
            return "In the queue; a dermatologist can read it meanwhile"
        if reason in (TriageReason.PROBABILITY, TriageReason.OTHER_CANCER):
            return "Done"
        if reason is TriageReason.RECALLED:
            return "Kept from before"
        return "No reliable result: a dermatologist looks at it first"

    @property
    def _reading(self) -> str:
        return {
            CaseState.SUBMITTED: "In the worklist",
            CaseState.AWAITING_REVIEW: "In the worklist",
            CaseState.IN_REVIEW: "Being read now",
        }.get(self.case.state, "Decided")

    @property
    def poll_url(self) -> str | None:
        """Where to ask again, while the case still moves."""
        return url_for("cases.status", number=self.case.number) if self.case.is_open else None

    @property
    def outcome(self) -> Review | None:
        return self.case.standing_review

    @property
    def can_be_withdrawn(self) -> bool:
        unanswered = self.case.is_open and not self.case.recalled
        return unanswered or self.case.state is CaseState.RETAKE_REQUESTED
