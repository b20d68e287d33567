"""The worklist's sections and rows: the reason for a case's place, its due date, and who is reviewing it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby

from ml.patterns import Lesion
from webapp.analysis import cards
from webapp.cases.blindness import hides_model
from webapp.core.filters import percent
from webapp.models import Case, Claim, Image, TriageReason, User
from webapp.review.claims import valid_claim
from webapp.review.filters import Order
from webapp.review.presenters import taken_from
from webapp.triage import concern, due
from webapp.triage.rank import Section


@dataclass(frozen=True)
class WorklistRow:
    case: Case
    user: User

    @property
    def section(self) -> Section:
        """By the stored rank, which also orders the list; a case that has not been ranked stands before all others."""
        return Section(max(int(self.case.rank), Section.NOW))

    @property
    def cover(self) -> Image | None:
        return self.case.images[0] if self.case.images else None

    @property
    def reader(self) -> Claim | None:
        """Somebody else's claim on the case."""
        held = valid_claim(self.case)
        return held if held is not None and held.user_id != self.user.id else None

    @property
    def taken_from_me(self) -> bool:
        return self.reader is not None and taken_from(self.reader, self.user)

    @property
    def mine(self) -> bool:
        held = valid_claim(self.case)
        return held is not None and held.user_id == self.user.id

    @property
    def at_centre_rate(self) -> float | None:
        """The highest P(BCC) of its images at the centre's own rate, where it has one. Orders nothing."""
        rate = self.case.centre.bcc_rate
        found = [cards.at_centre_rate(analysis, rate) for analysis in concern.done(self.case)] if rate else []
        return max((probability for probability in found if probability is not None), default=None)

    @property
    def why(self) -> str:
        """The reason for the case's place, in words."""
        if self.model_hidden:
            return "Hidden until you have recorded your own impression"
        return " ".join([*self._now, *self._suspected, *self._doubt]) or self._rest

    @property
    def _now(self) -> list[str]:
        reopened = f"Re-opened. {self.case.reopened.sentence}" if self.case.reopened else ""
        urgent = "Sent as urgent." if due.is_urgent(self.case) else ""
        past = "Past its due date." if self.past_due else ""
        people = "A second opinion or histology suspects a cancer." if concern.people_suspect_cancer(self.case) else ""
        return [words for words in (reopened, urgent, past, "" if reopened else people) if words]

    @property
    def _suspected(self) -> list[str]:
        """Without P(BCC), which has its own column."""
        return [
            "BCC suspected."
            if suspicion.lesion is Lesion.BCC
            else f"{suspicion.lesion.label} suspected ({percent(suspicion.probability)})."
            for suspicion in concern.suspected(self.case)
        ]

    @property
    def _rest(self) -> str:
        """P(BCC) has a column of its own: another cancer is named if it is likelier."""
        lead = next(iter(concern.suspicions(self.case)), None)
        if lead is None or lead.lesion is Lesion.BCC:
            return "No cancer suspected"
        return f"No cancer suspected; {lead.lesion.label.lower()} {percent(lead.probability)}"

    @property
    def _doubt(self) -> list[str]:
        """Why some image has no trusted result."""
        reason = self.case.triage_reason
        if reason is TriageReason.PROBABILITY:
            return []
        messages = list(dict.fromkeys(_messages(self.case))) if reason is TriageReason.MODEL_UNSURE else []
        return messages or [f"{reason.label}."]

    @cached_property
    def model_hidden(self) -> bool:
        return hides_model(self.user, self.case)

    @property
    def opinion_asked(self) -> bool:
        """A requested second opinion has not been given yet."""
        return any(request.opinion is None for request in self.case.opinion_requests)

    @property
    def due_at(self) -> datetime:
        return due.due_at(self.case)

    @property
    def past_due(self) -> bool:
        return due.is_past(self.case)


@dataclass(frozen=True)
class Part:
    """Consecutive rows of a page under one heading, or under none."""

    heading: str
    rows: list[WorklistRow]


def parts(rows: Sequence[WorklistRow], order: Order, user: User) -> list[Part]:
    """One part per section, its heading named again on each page.

    Without headings if the list is by waiting time, or if the user reads blinded: a section tells the model's result.
    """
    if order is Order.WAITING or user.reads_blinded:
        return [Part("", list(rows))]
    return [Part(section.label, list(found)) for section, found in groupby(rows, key=lambda row: row.section)]


def _messages(case: Case) -> list[str]:
    analyses = [image.current_analysis for image in case.images]
    return [reason["message"] for analysis in analyses if analysis for reason in analysis.reasons]
