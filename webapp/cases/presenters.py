"""Values for the GP's templates."""

from dataclasses import dataclass

from flask import url_for
from werkzeug.utils import secure_filename

from webapp.cases import service
from webapp.cases.waiting import PlaceInLine
from webapp.core.counts import MOST, in_words
from webapp.core.filters import day, duration, reader_zone
from webapp.models import Case, CaseState, Image, Review, TriageReason, User
from webapp.triage import concern, risk

LONGEST_NAME = 40


def file_label(position: int, filename: str | None) -> str:
    """How messages name an uploaded file: by position, and by its name where that is safe."""
    name = secure_filename(filename or "")
    return f"Image {position} ({name[:LONGEST_NAME]})" if name else f"Image {position}"


def as_choice(case: Case) -> tuple[str, str]:
    """A case as a choice in a select field: (number, text)."""
    sent = case.submitted_at.astimezone(reader_zone()).date()
    return case.number, f"{case.number}: {case.site}, sent {day(sent)}"


STATE_WORDS = {
    CaseState.SUBMITTED: "Being analysed",
    CaseState.AWAITING_REVIEW: "Waiting for a dermatologist",
    CaseState.IN_REVIEW: "Being reviewed by a dermatologist",
    CaseState.REVIEWED: "Answered",
    CaseState.CLOSED: "Closed",
    CaseState.RETAKE_REQUESTED: "New images requested",
    CaseState.WITHDRAWN: "Withdrawn",
    CaseState.VOIDED: "Void: entered in error",
}


def opened_answer(case: Case) -> Review | None:
    """The decision in force, once somebody at the centre has opened it. Until then no page shows it to a GP."""
    review = case.standing_review
    return review if review is not None and review.receipt is not None else None


def presses(review: Review | None) -> bool:
    """Whether the answer brings the patient to dermatology early, so that the GP must act on it now."""
    return review is not None and not review.asks_for_images and not risk.would_miss_a_cancer(review)


@dataclass(frozen=True)
class CaseRow:
    """One row of the list of ``user``; ``in_line``: only for an open case; ``news``: only for this user."""

    case: Case
    user: User
    in_line: PlaceInLine | None = None
    news: bool = False

    @property
    def state(self) -> str:
        return STATE_WORDS[self.case.state]

    @property
    def mine(self) -> bool:
        return self.case.followed_by == self.user

    @property
    def unread(self) -> bool:
        """The user has yet to open the answer."""
        return self.case.unread or self.news

    @property
    def opened_by(self) -> str:
        """The colleague who has opened the answer that the user has not."""
        answer = opened_answer(self.case) if self.unread and self._unopened_answer else None
        return answer.receipt.user.name if answer and answer.receipt else ""

    @property
    def handed_over(self) -> bool:
        """Whether the user follows it though somebody else sent it."""
        return self.mine and self.case.submitted_by_id != self.user.id

    @property
    def waits_for_gp(self) -> bool:
        return self.unread or self.case.state is CaseState.RETAKE_REQUESTED

    @property
    def place(self) -> str:
        """Place in line and estimate; empty while somebody is reviewing the case, and once it is no longer open."""
        return "" if self.case.state is CaseState.IN_REVIEW else place_words(self.in_line)

    @property
    def cover(self) -> Image | None:
        return self.case.images[0] if self.case.images else None

    @property
    def outcome(self) -> Review | None:
        """Not before the user opens it, so that nobody takes it for read."""
        return None if self.unread or self.case.is_dropped else opened_answer(self.case)

    @property
    def presses(self) -> bool:
        """Until the case is closed, or still unread; told before the answer is opened, so that it is opened soon."""
        late = self.case.state is CaseState.CLOSED and self.unread and self._unopened_answer
        return (late or self.case.state is CaseState.REVIEWED) and presses(self.case.standing_review)

    @property
    def to_open(self) -> str:
        """Why the GP should open the case; empty if nothing is new."""
        if self.outcome is not None or not self.waits_for_gp:
            return ""
        if self.case.state is CaseState.VOIDED:
            return "Do not act on it. Open the case to read why"
        if self.unread and not self._unopened_answer:
            return "Open the case to read what has changed"
        if self.unread and self.presses:
            return "Open the case to read the answer now: the patient needs an early appointment"
        return "Open the case to read the answer" if self.unread else "Open the case to read what is needed"

    @property
    def _unopened_answer(self) -> bool:
        """Whether there is an answer that the user has not opened: not only a correction is new."""
        review = self.case.standing_review
        answered = self.case.state in (CaseState.REVIEWED, CaseState.CLOSED)
        return answered and review is not None and not review.opened_by(self.user)


def place_words(in_line: PlaceInLine | None) -> str:
    """For example "place 3 of 12, about 5 h"; empty for a case that is not in line."""
    if in_line is None:
        return ""
    far = in_line.place > MOST
    about = "more than" if far else "about"
    estimate = "no estimate yet" if in_line.seconds is None else f"{about} {duration(in_line.seconds)}"
    place = f"after the first {MOST:,}" if far else f"place {in_line.place} of {in_words(in_line.length)}"
    return f"{place}, {estimate}"


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

_READING = {
    CaseState.IN_REVIEW: "Being reviewed now",
    CaseState.REVIEWED: "Decided",
    CaseState.CLOSED: "Decided",
    CaseState.RETAKE_REQUESTED: "Needs new images",
    CaseState.WITHDRAWN: "Withdrawn before a decision",
    CaseState.VOIDED: "Void: entered in error",
}
_ANSWER = {
    CaseState.REVIEWED: "Ready to read",
    CaseState.CLOSED: "Read",
    CaseState.RETAKE_REQUESTED: "Not yet: send new images first",
    CaseState.WITHDRAWN: "None",
    CaseState.VOIDED: "None to act on",
}
_ARRIVED = {
    CaseState.REVIEWED: "The answer has arrived. Read it now",
    CaseState.RETAKE_REQUESTED: "The dermatologist needs new images. See what is needed",
    CaseState.VOIDED: "This case is now void: it was entered in error. See why",
}


@dataclass(frozen=True)
class CaseTimeline:
    """The stages a GP sees: received → analysed → with the dermatologist → answered."""

    case: Case
    in_line: PlaceInLine | None = None

    @property
    def steps(self) -> list[Step]:
        place = _PLACE.get(self.case.state, 2)
        texts = [
            ("Received", f"{len(self.case.images)} image{'s' if len(self.case.images) != 1 else ''} stored"),
            ("Analysis", self._analysis),
            ("Dermatologist", self._reading),
            ("Answer", _ANSWER.get(self.case.state, "Not yet")),
        ]
        return [
            Step(title, detail, "done" if index < place else "current" if index == place else "ahead")
            for index, (title, detail) in enumerate(texts)
        ]

    @property
    def _analysis(self) -> str:
        reason = self.case.triage_reason
        if reason is TriageReason.AWAITING_ANALYSIS:
            return "Queued; a dermatologist can review the case in the meantime"
        if reason is TriageReason.PROBABILITY:
            return "Done"
        if reason is TriageReason.MODEL_OFF:
            return "Switched off: a dermatologist reviews the case without it"
        return "No reliable result: the case moves up the worklist"

    @property
    def _reading(self) -> str:
        waiting = f"In the worklist: {place_words(self.in_line)}" if self.in_line else "In the worklist"
        return _READING.get(self.case.state, waiting)

    @property
    def arrived(self) -> str:
        """What there is to read; empty if nothing."""
        return _ARRIVED.get(self.case.state, "")

    @property
    def not_dermoscopic(self) -> list[tuple[Image, str]]:
        """(image, the model's sentence) of an open case's images that it takes for something else than dermoscopy."""
        shown = self.case.images if self.case.is_open else []
        found = [(image, concern.result(image)) for image in shown]
        return [(image, result.not_dermoscopic) for image, result in found if result and result.not_dermoscopic]

    @property
    def poll_url(self) -> str | None:
        """Address to poll while the case is open."""
        return url_for("cases.status", number=self.case.number) if self.case.is_open else None

    @property
    def outcome(self) -> Review | None:
        return opened_answer(self.case)

    @property
    def presses(self) -> bool:
        return presses(self.outcome)

    @property
    def can_be_withdrawn(self) -> bool:
        return service.can_be_withdrawn(self.case)
