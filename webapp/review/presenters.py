"""Values for the dermatologist's templates."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

from flask import url_for
from markupsafe import Markup

from webapp.cases.blindness import hides_decisions, hides_model, impression_of, request_for
from webapp.core.filters import local_time
from webapp.models import Case, CaseState, Claim, Image, Impression, OpinionRequest, Review, User, utcnow
from webapp.review import marks, opinions, scale
from webapp.review.changes import can_amend, can_undo, undo_until, why_not_undo
from webapp.review.claims import valid_claim
from webapp.review.images import ImageReading
from webapp.review.opinions import may_ask
from webapp.review.strip import CaseStrip
from webapp.triage import switch
from webapp.triage.risk import Shown, joined

CHANGED_MEANWHILE = "Someone else has changed the decision since you opened it, or the case has been re-opened."


def taken_from(claim: Claim, user: User) -> bool:
    return claim.took_over is not None and claim.took_over.user_id == user.id


def not_open_sentence(case: Case) -> str:
    """Why a case that somebody was reading is no longer open."""
    if case.state is CaseState.WITHDRAWN:
        reason = f" Reason: {case.withdrawal_reason}" if case.withdrawal_reason else ""
        return f"The GP has withdrawn this case.{reason}"
    if case.voiding is not None:
        return f"{case.voiding.user.name} has voided this case: entered in error. Reason: {case.voiding.reason}"
    standing = case.standing_review
    by = f" by {standing.reviewer.name}" if standing else ""
    return f"The case was decided{by} while you were reviewing it."


def unseen_sentence(what: list[str]) -> str:
    return (
        f"Nothing has been saved yet: while you were reviewing the case, {joined(what)}. "
        "Please look at it, then send your decision again."
    )


def decided_sentence(review: Review) -> Markup:
    """What was saved, and until when it can be taken back."""
    number = review.case.number
    done = (
        f"New images requested for case {number}. The GP will add them to the same case."
        if review.asks_for_images
        else f"Decision saved for case {number}. The GP can now read it."
    )
    link = Markup('<a href="{}">View it, or take it back until {}</a>')
    return Markup("{} ").format(done) + link.format(
        url_for("review.show", number=number), local_time(undo_until(review))
    )


def lost_sentence(number: str, by: Claim | None, user: User) -> str:
    """Why ``user`` has no claim on the case; ``by`` is the latest claim on it."""
    if by is None or by.user_id == user.id:
        return f"You have not claimed case {number}."
    if taken_from(by, user):
        return f"{by.user.name} took over case {number} from you. Reason: {by.reason}"
    return f"Your claim on case {number} expired, and {by.user.name} has claimed it since."


@dataclass(frozen=True)
class Reading:
    """A case as one dermatologist sees it now; ``amending``: changing the decision in force."""

    case: Case
    user: User
    amending: bool = False

    @cached_property
    def images(self) -> list[ImageReading]:
        return [ImageReading(image) for image in self.case.images]

    @cached_property
    def strip(self) -> CaseStrip:
        return CaseStrip(self.case, self.user)

    @property
    def frames(self) -> int:
        """How many images the filmstrip has: those of the case and of earlier cases of the lesion."""
        return len(self.case.images) + sum(len(earlier.images) for earlier in self.strip.earlier)

    @property
    def opens_with(self) -> Image | None:
        """The image shown first: the one that gives the lead suspicion, unless the model's result is hidden."""
        lead = None if self.model_hidden else self.strip.lead
        return lead.image if lead and lead.found.suspected else next(iter(self.case.images), None)

    @property
    def has_results(self) -> bool:
        return not self.model_hidden and any(item.done for item in self.images)

    def is_new(self, image: Image) -> bool:
        """Whether the image was added after the last decision or request for images."""
        return bool(self.case.reviews) and image.stored_at > self.case.reviews[-1].decided_at

    @property
    def shown(self) -> Shown:
        """What this page shows, for its form to send back."""
        return Shown.of(self.case)

    @cached_property
    def claim(self) -> Claim | None:
        return valid_claim(self.case)

    def came_later(self, moment: datetime) -> bool:
        """Whether this happened since the user claimed the case, and so has begun to read it."""
        return self.claim is not None and self.claim.user_id == self.user.id and moment > self.claim.claimed_at

    @property
    def can_decide(self) -> bool:
        return self.case.is_open and self.claim is not None and self.claim.user_id == self.user.id

    @property
    def can_mark(self) -> bool:
        """Whether the page has the form of a decision, with which marks are sent."""
        deciding = self.can_decide and not self.model_hidden and not self.opinion_requested
        return deciding or (self.amending and not self.decisions_hidden)

    @property
    def marks_in_force(self) -> str:
        """The marks of the decision in force, for the viewer; empty where they must not be seen, or others are made."""
        if self.review is None or self.can_mark or self.decisions_hidden:
            return ""
        return marks.as_json(self.review.marks)

    def scale_of(self, image: Image) -> str:
        return scale.in_words(image)

    @property
    def busy(self) -> Claim | None:
        return self.claim if self.claim is not None and self.claim.user_id != self.user.id else None

    @property
    def taken_from_me(self) -> bool:
        return self.busy is not None and taken_from(self.busy, self.user)

    @cached_property
    def opinion_requested(self) -> OpinionRequest | None:
        """An open request for this reader's opinion: until it is given, the page hides every decision."""
        return request_for(self.user, self.case)

    @cached_property
    def model_hidden(self) -> bool:
        return hides_model(self.user, self.case)

    @property
    def model_used(self) -> bool:
        """Whether there is a result to agree or disagree with, or may be."""
        return not self.model_hidden and not switch.is_off()

    @cached_property
    def decisions_hidden(self) -> bool:
        return hides_decisions(self.user, self.case)

    @property
    def impression(self) -> Impression | None:
        """This reader's impression before the model's result was shown."""
        return impression_of(self.user, self.case)

    @property
    def can_ask(self) -> bool:
        return may_ask(self.user, self.case)

    @property
    def unread_opinion(self) -> bool:
        """Whether there is an opinion that this reader can mark as read."""
        return bool(opinions.unread(self.user, self.case))

    @property
    def review(self) -> Review | None:
        return self.case.standing_review

    @property
    def earlier(self) -> list[Review]:
        """Decisions no longer in force: answered with new images, amended or taken back."""
        return [review for review in self.case.reviews if review is not self.review]

    @property
    def undo_until(self) -> datetime | None:
        """Until when the user may take the decision back; None if not possible."""
        return undo_until(self.review) if self.review is not None and can_undo(self.user, self.case) else None

    @property
    def undo_ended(self) -> str:
        """Why the reader's own decision can no longer be taken back, while they may still expect to."""
        review = self.review
        if review is None or review.reviewer_id != self.user.id or utcnow() >= undo_until(review):
            return ""
        return why_not_undo(self.user, self.case)

    @property
    def can_amend(self) -> bool:
        return can_amend(self.case)

    @property
    def age(self) -> int | None:
        return datetime.now(UTC).year - self.case.birth_year if self.case.birth_year else None

    @property
    def withdrawn(self) -> bool:
        return self.case.state is CaseState.WITHDRAWN
