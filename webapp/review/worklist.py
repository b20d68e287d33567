"""The worklist as a page shows it: why each case stands where it stands, until when it should be read, who reads it."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from webapp.models import Case, Claim, Image, TriageReason, User, utcnow
from webapp.review.blinded import hides_model
from webapp.review.claims import valid_claim
from webapp.review.presenters import suspicion_words, taken_from
from webapp.review.targets import target_at


@dataclass(frozen=True)
class WorklistRow:
    case: Case
    user: User

    @property
    def cover(self) -> Image | None:
        return self.case.images[0] if self.case.images else None

    @property
    def reader(self) -> Claim | None:
        """Somebody else who is reading the case now."""
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
    def why(self) -> str:
        """In words, why the case stands where it stands."""
        if self.model_hidden:
            return "Hidden until you have recorded your own impression"
        reason = self.case.triage_reason
        if self.case.recalled is not None:
            return f"{reason.label}. {self.case.recalled.sentence}"
        if reason is TriageReason.MODEL_UNSURE:
            return " ".join(dict.fromkeys(_messages(self.case))) or reason.label
        if reason is TriageReason.PROBABILITY:
            verdict = "The model suspects BCC" if self._bcc else "The model does not suspect BCC"
            return f"{verdict}: ranked by probability"
        return reason.label

    @property
    def _bcc(self) -> bool:
        return any(image.current_analysis is not None and image.current_analysis.bcc for image in self.case.images)

    @cached_property
    def model_hidden(self) -> bool:
        return hides_model(self.user, self.case)

    @property
    def opinion_asked(self) -> bool:
        """A second opinion is still to come."""
        return any(request.opinion is None for request in self.case.opinion_requests)

    @property
    def target(self) -> datetime:
        """Until when the case should be read."""
        return target_at(self.case)

    @property
    def overdue(self) -> bool:
        return self.target < utcnow()

    @property
    def suspicions(self) -> list[str]:
        return suspicion_words(self.case)


def _messages(case: Case) -> list[str]:
    analyses = [image.current_analysis for image in case.images]
    return [reason["message"] for analysis in analyses if analysis for reason in analysis.reasons]
