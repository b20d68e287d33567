"""A case: one lesion of one pseudonymous patient, sent by a GP for a decision.

For its states and their transitions see `webapp.models.states`.
"""

import re
import unicodedata
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from webapp.core.orm import Base, UtcDateTime, text_enum, utcnow
from webapp.models.body_site import BodySite, Side, Surface, in_words
from webapp.models.centre import Centre
from webapp.models.states import CASE_TRANSITIONS, DROPPED_STATES, OPEN_STATES, CaseState, NotAllowedError
from webapp.models.user import User

if TYPE_CHECKING:
    from webapp.models.addition import Addition
    from webapp.models.correction import ReferenceCorrection, Voiding
    from webapp.models.histology import Histology
    from webapp.models.image import Image
    from webapp.models.impression import Impression
    from webapp.models.opinion import OpinionRequest
    from webapp.models.review import Claim, Review
    from webapp.models.unread import Unread


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"
    OTHER = "other"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class Urgency(StrEnum):
    ROUTINE = "routine"
    SOON = "soon"
    URGENT = "urgent"

    @property
    def label(self) -> str:
        return self.value.capitalize()


class ReopenReason(StrEnum):
    """What called a decision into question after it was made."""

    LATE_RESULT = "late_result"
    HISTOLOGY = "histology"
    HISTOLOGY_CORRECTED = "histology_corrected"
    SECOND_OPINION = "second_opinion"

    @property
    def sentence(self) -> str:
        return {
            "late_result": "The model's result arrived after the decision and suspects a cancer.",
            "histology": "Histology shows a cancer.",
            "histology_corrected": "Histology showed a cancer, and this has since been corrected.",
            "second_opinion": "A second opinion suspects a cancer, or advises a biopsy or an urgent appointment.",
        }[self.value]


class TriageReason(StrEnum):
    """Why some image has no trusted result; PROBABILITY: all have one."""

    AWAITING_ANALYSIS = "awaiting_analysis"
    MODEL_UNAVAILABLE = "model_unavailable"
    ANALYSIS_FAILED = "analysis_failed"
    MODEL_UNSURE = "model_unsure"
    MODEL_OFF = "model_off"
    PROBABILITY = "probability"

    @property
    def label(self) -> str:
        return {
            "awaiting_analysis": "Not analysed yet",
            "model_unavailable": "Model unavailable",
            "analysis_failed": "Analysis failed",
            "model_unsure": "Model uncertain",
            "model_off": "Model switched off",
            "probability": "Trusted result",
        }[self.value]


NOT_RANKED = 0.0
"""Before every section, until a case is ranked: in the transaction that stores it."""
BYTEWISE = String(40).with_variant(String(40, collation="C"), "postgresql")
"""Text compared byte by byte, so that an index range holds exactly the texts with a given prefix."""


def _while_open(name: str, *columns: str, only: str | None = None, without: str | None = None) -> Index:
    """An index of the few open cases; only those with the flag ``only`` set, or ``without`` not set.

    The flags are also columns of the index, because SQLite would otherwise look them up in the table.
    """
    marks = ["is_open", *([only] if only else [])]
    sqlite = [*(f"{mark} = 1" for mark in marks), *([f"{without} = 0"] if without else [])]
    postgresql = [*marks, *([f"NOT {without}"] if without else [])]
    keys = [*marks, *([without] if without else []), *columns]
    return Index(
        f"ix_case_file_open_{name}",
        *keys,
        sqlite_where=text(" AND ".join(sqlite)),
        postgresql_where=text(" AND ".join(postgresql)),
    )


def reference_key(reference: str) -> str:
    """By which patients are compared, everywhere: one patient is one reference, however it is spelt.

    Case of letters, width of characters, kind of dash, number of spaces and invisible characters don't count.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", reference).casefold())
    seen = "".join("-" if _is_dash(each) else each for each in folded if unicodedata.category(each) != "Cf")
    return re.sub(" ?- ?", "-", " ".join(seen.split()))[:40]


def _is_dash(character: str) -> bool:
    return unicodedata.category(character) == "Pd" or character == "\N{MINUS SIGN}"


class Case(Base):
    """One lesion of one patient, from the GP's form to the decision.

    ``rank`` orders the worklist, smallest first. Only `webapp.triage.rank` computes it, together with ``needs_person``
    (an image has no trusted result) and ``past_due`` (the case was past due when its rank was computed). A new
    case needs a person. ``contradiction``: the clinical rule and the probability disagree about an image.
    ``other_cancer``: a malignant lesion other than BCC is suspected.
    ``reopened``: what called the decision into question, while the case waits for a new one.
    ``waiting_since``: when it was sent, or re-opened.
    ``unread``: the case is answered and nobody at the centre has opened the answer. ``unread_by``: who has yet to open
    the case, although somebody has.
    ``responsible``: the GP who follows it, at first whoever sent it; None: the centre as a whole. Pages name
    ``followed_by``.
    """

    __tablename__ = "case_file"
    __table_args__ = (
        CheckConstraint("phototype BETWEEN 1 AND 6", name="phototype_range"),
        CheckConstraint("size_mm BETWEEN 0.5 AND 300", name="size_range"),
        CheckConstraint("bcc_probability BETWEEN 0 AND 1", name="probability_range"),
        Index("ix_case_file_worklist", "is_open", "rank", "waiting_since", "id"),
        Index("ix_case_file_waiting", "is_open", "waiting_since", "id"),
        Index("ix_case_file_centre_submitted", "centre_id", "submitted_at", "id"),
        Index("ix_case_file_centre", "centre_id", "id"),
        Index("ix_case_file_centre_state", "centre_id", "state", "id"),
        Index("ix_case_file_centre_number", "centre_id", "number"),
        Index("ix_case_file_centre_patient", "centre_id", "patient_reference", "id"),
        Index("ix_case_file_centre_reference", "centre_id", "reference_key"),
        Index("ix_case_file_centre_reversed", "centre_id", "reference_reversed"),
        Index("ix_case_file_reference", "reference_key"),
        Index("ix_case_file_reversed", "reference_reversed"),
        Index(
            "ix_case_file_unread",
            "centre_id",
            "id",
            sqlite_where=text("unread = 1"),
            postgresql_where=text("unread"),
        ),
        _while_open("centre", "centre_id", "rank", "waiting_since", "id"),
        _while_open("state", "state", "rank", "waiting_since", "id"),
        _while_open("urgency", "urgency", "waiting_since", "id"),
        _while_open("person", "rank", "waiting_since", "id", only="needs_person"),
        _while_open("contradiction", "rank", "waiting_since", "id", only="contradiction"),
        _while_open("other_cancer", "rank", "waiting_since", "id", only="other_cancer"),
        _while_open("not_past_due", "urgency", "waiting_since", "id", without="past_due"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(12), unique=True)
    submission_token: Mapped[str] = mapped_column(String(36), unique=True)
    centre_id: Mapped[int] = mapped_column(ForeignKey("centre.id"))
    submitted_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    submitted_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)
    state: Mapped[CaseState] = mapped_column(text_enum(CaseState), default=CaseState.SUBMITTED)
    is_open: Mapped[bool] = mapped_column(default=True)
    unread: Mapped[bool] = mapped_column(default=False, server_default=false())
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawal_reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    synthetic: Mapped[bool] = mapped_column(default=False)
    consented_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    patient_reference: Mapped[str] = mapped_column(String(40))
    reference_key: Mapped[str] = mapped_column(BYTEWISE, server_default="")
    reference_reversed: Mapped[str] = mapped_column(BYTEWISE, server_default="")
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("case_file.id"), index=True)
    """An earlier case of the same lesion."""
    birth_year: Mapped[int | None]
    sex: Mapped[Sex | None] = mapped_column(text_enum(Sex))
    phototype: Mapped[int | None]
    body_site: Mapped[BodySite] = mapped_column(text_enum(BodySite))
    side: Mapped[Side | None] = mapped_column(text_enum(Side))
    surface: Mapped[Surface | None] = mapped_column(text_enum(Surface))
    size_mm: Mapped[float | None]
    """The lesion's largest diameter."""
    history: Mapped[str] = mapped_column(Text, default="")
    clinical_question: Mapped[str] = mapped_column(Text, default="")
    urgency: Mapped[Urgency] = mapped_column(text_enum(Urgency), default=Urgency.ROUTINE)

    needs_person: Mapped[bool] = mapped_column(default=True)
    triage_reason: Mapped[TriageReason] = mapped_column(text_enum(TriageReason), default=TriageReason.AWAITING_ANALYSIS)
    bcc_probability: Mapped[float | None]
    contradiction: Mapped[bool] = mapped_column(default=False)
    other_cancer: Mapped[bool] = mapped_column(default=False)
    reopened: Mapped[ReopenReason | None] = mapped_column(text_enum(ReopenReason))
    past_due: Mapped[bool] = mapped_column(default=False, server_default=false())
    rank: Mapped[float] = mapped_column(default=NOT_RANKED)
    waiting_since: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    centre: Mapped[Centre] = relationship()
    submitted_by: Mapped[User] = relationship(foreign_keys=[submitted_by_id])
    responsible: Mapped[User | None] = relationship(foreign_keys=[responsible_id])
    images: Mapped[list["Image"]] = relationship(back_populates="case", order_by="Image.position")
    reviews: Mapped[list["Review"]] = relationship(back_populates="case", order_by="Review.id")
    claims: Mapped[list["Claim"]] = relationship(back_populates="case", order_by="Claim.id")
    histologies: Mapped[list["Histology"]] = relationship(back_populates="case", order_by="Histology.id")
    impressions: Mapped[list["Impression"]] = relationship(back_populates="case", order_by="Impression.id")
    opinion_requests: Mapped[list["OpinionRequest"]] = relationship(back_populates="case", order_by="OpinionRequest.id")
    additions: Mapped[list["Addition"]] = relationship(back_populates="case", order_by="Addition.id")
    corrections: Mapped[list["ReferenceCorrection"]] = relationship(
        back_populates="case", order_by="ReferenceCorrection.id"
    )
    voiding: Mapped["Voiding | None"] = relationship(back_populates="case")
    unread_by: Mapped[list["Unread"]] = relationship(cascade="all, delete-orphan")

    @property
    def followed_by(self) -> User | None:
        """The GP responsible, if still at its centre; None: whoever is there."""
        gp = self.responsible
        return gp if gp is not None and gp.active and gp.centre_id == self.centre_id else None

    @property
    def site(self) -> str:
        """In words, with side and surface."""
        return in_words(self.body_site, self.side, self.surface)

    @property
    def histology(self) -> "Histology | None":
        """The last result entered, which corrects earlier ones."""
        return self.histologies[-1] if self.histologies else None

    @property
    def standing_review(self) -> "Review | None":
        """The decision in force: the last one not taken back. A request for images ends once the GP has sent them."""
        kept = [review for review in self.reviews if review.retraction is None]
        if not kept or (self.is_open and kept[-1].asks_for_images):
            return None
        return kept[-1]

    @property
    def images_wanted(self) -> "Review | None":
        """The request for new images that the GP can answer: also of a case re-opened since, until there are some."""
        kept = [review for review in self.reviews if review.retraction is None]
        if not kept or not kept[-1].asks_for_images or self.is_dropped:
            return None
        sent = self.is_open and any(image.stored_at > kept[-1].decided_at for image in self.images)
        return None if sent or (self.is_open and not self.reopened) else kept[-1]

    @property
    def taken_back(self) -> "Review | None":
        """The last decision, if it was taken back and not replaced."""
        last = self.reviews[-1] if self.reviews else None
        return last if last is not None and last.retraction and not self.standing_review else None

    @property
    def is_dropped(self) -> bool:
        """Whether nobody is to decide the case, or to act on its answer."""
        return self.state in DROPPED_STATES

    @property
    def has_letter(self) -> bool:
        """Whether there is an answer for a letter: neither a request for images nor called into question.

        That of a void case says so, for whoever has opened the answer before.
        """
        review = self.standing_review
        if self.state is CaseState.VOIDED:
            return review is not None and review.receipt is not None and not review.asks_for_images
        return self.state in (CaseState.REVIEWED, CaseState.CLOSED) and review is not None

    @validates("patient_reference")
    def _keep_keys(self, _name: str, reference: str) -> str:
        """A search matches the beginning or the end of a reference, each with an index."""
        self.reference_key = reference_key(reference)
        self.reference_reversed = self.reference_key[::-1]
        return reference

    def move_to(self, state: CaseState) -> None:
        """Clears ``unread``: code that sends an answer to the GP sets it again.

        Raises NotAllowedError if the table has no such transition.
        """
        if state not in CASE_TRANSITIONS[self.state]:
            raise NotAllowedError(f"case {self.number}: no way from {self.state} to {state}")
        self.unread = False
        self.state = state
        self.is_open = state in OPEN_STATES
