"""The worklist as it is shown: rows in their sections, each with what leads, its deadline and its reader."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby

from webapp.cases.blindness import hides_model, request_for
from webapp.core.counts import in_words
from webapp.core.filters import duration
from webapp.models import Case, CaseState, Claim, Image, Sex, User, utcnow
from webapp.review.claims import valid_claim
from webapp.review.filters import Filters, Order
from webapp.review.lead import Lead
from webapp.review.presenters import taken_from
from webapp.review.worklist_queries import NEWS_MOST, PAGE_SIZE, Counts, Cursor, Patient
from webapp.triage import concern, due, switch
from webapp.triage.concern import Suspicion
from webapp.triage.rank import Section

OUTSIDE = {
    CaseState.RETAKE_REQUESTED: "new images requested",
    CaseState.REVIEWED: "answered",
    CaseState.CLOSED: "closed",
    CaseState.WITHDRAWN: "withdrawn",
    CaseState.VOIDED: "void: entered in error",
}
"""Why a case that a search has found is not in the worklist."""


@dataclass(frozen=True)
class OutsideRow:
    """A case that a search has found and that is not in the user's worklist."""

    case: Case
    user: User

    @property
    def why(self) -> str:
        """Its state; but whoever owes an opinion on it is not told what became of it."""
        return "awaiting your opinion" if request_for(self.user, self.case) else OUTSIDE[self.case.state]


@dataclass(frozen=True)
class WorklistRow:
    """``others``: how many other open cases the same patient has."""

    case: Case
    user: User
    others: int = 0

    @property
    def cover(self) -> Image | None:
        return self.case.images[0] if self.case.images else None

    @cached_property
    def held(self) -> Claim | None:
        return valid_claim(self.case)

    @property
    def reader(self) -> Claim | None:
        """Somebody else's claim on the case."""
        return self.held if self.held is not None and self.held.user_id != self.user.id else None

    @property
    def mine(self) -> bool:
        return self.held is not None and self.held.user_id == self.user.id

    @property
    def taken_from_me(self) -> bool:
        return self.reader is not None and taken_from(self.reader, self.user)

    @cached_property
    def model_hidden(self) -> bool:
        return hides_model(self.user, self.case)

    @property
    def needs_person(self) -> bool:
        """Whether the row stands out for it."""
        return self.case.needs_person and not self.model_hidden and not switch.is_off()

    @cached_property
    def lead(self) -> Lead:
        return Lead(self.case)

    @property
    def suspicions(self) -> list[Suspicion]:
        return concern.suspicions(self.case)

    @property
    def why(self) -> str:
        """What stands beside the lead suspicion. Urgency and due date have a column of their own."""
        words = " · ".join([*self._people(), *self.lead.rest])
        return words[:1].upper() + words[1:]

    def _people(self) -> Iterator[str]:
        """What people found, except for whoever is to give an opinion without knowing it."""
        if request_for(self.user, self.case) is not None:
            return
        if self.case.reopened:
            yield f"Re-opened: {self.case.reopened.sentence.rstrip('.')}"
        elif concern.people_suspect_cancer(self.case):
            yield "A second opinion or histology suspects a cancer"

    @property
    def who(self) -> str:
        """For example "1948, female"."""
        sex = self.case.sex.label.lower() if self.case.sex in (Sex.FEMALE, Sex.MALE) else ""
        return ", ".join(words for words in (str(self.case.birth_year or ""), sex) if words)

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

    @property
    def time_left(self) -> str:
        seconds = (self.due_at - utcnow()).total_seconds()
        return f"{duration(-seconds)} overdue" if self.past_due else f"{duration(seconds)} left"


@dataclass(frozen=True)
class Part:
    """Consecutive rows of a page under the heading of their section, or under none."""

    section: Section | None
    rows: list[WorklistRow]


@dataclass(frozen=True)
class Worklist:
    """One page; ``found``: its cases and one more, if there is one."""

    user: User
    filters: Filters
    found: Sequence[Case]
    counts: Counts
    open_of: Mapping[Patient, int]

    @cached_property
    def rows(self) -> list[WorklistRow]:
        return [WorklistRow(case, self.user, self._others(case)) for case in self.found[:PAGE_SIZE]]

    def _others(self, case: Case) -> int:
        return self.open_of.get((case.centre_id, case.reference_key), 1) - 1

    @property
    def parts(self) -> list[Part]:
        """One part per section, its heading named again on each page.

        Without headings in another order than that of triage, if the user reads blinded, because a section tells the
        model's result, or while there is none because the model is switched off.
        """
        if self.filters.order is not Order.TRIAGE or self.user.reads_blinded or switch.is_off():
            return [Part(None, self.rows)]
        grouped = groupby(self.rows, key=lambda row: Section.of(row.case))
        return [Part(section, list(rows)) for section, rows in grouped]

    @property
    def following(self) -> Cursor | None:
        """Where the next page begins."""
        return Cursor.after(self.rows[-1].case, self.filters.order) if len(self.found) > PAGE_SIZE else None


def news_words(new: int, urgent: int) -> str:
    """For example "3 new, 1 urgent"; empty if nothing is new."""
    urgent_words = f", {in_words(urgent, NEWS_MOST)} urgent" if urgent else ""
    return f"{in_words(new, NEWS_MOST)} new{urgent_words}" if new else ""
