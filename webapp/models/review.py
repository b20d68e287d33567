"""The dermatologist's side of a case: who has claimed it, and decisions (rows that never change)."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import JSON, ForeignKey, Index, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ml.patterns import Pattern
from webapp.core.orm import Base, UtcDateTime, text_enum, utcnow
from webapp.models.case import Case, ReopenReason
from webapp.models.user import User

if TYPE_CHECKING:
    from webapp.models.mark import Mark


class Diagnosis(StrEnum):
    BCC = "bcc"
    NOT_BCC_MALIGNANT = "other_malignant"
    NOT_BCC_PREMALIGNANT = "premalignant"
    BENIGN = "benign"
    UNCERTAIN = "uncertain"

    @property
    def label(self) -> str:
        return {
            "bcc": "Basal cell carcinoma",
            "other_malignant": "Other skin cancer suspected (for example melanoma or SCC)",
            "premalignant": "Precancerous lesion (for example actinic keratosis)",
            "benign": "Benign lesion",
            "uncertain": "Unable to tell from these images",
        }[self.value]


class Management(StrEnum):
    URGENT_REFERRAL = "urgent_referral"
    BIOPSY = "biopsy"
    ROUTINE_CLINIC = "routine_clinic"
    REASSURE = "reassure"
    RETAKE = "retake"

    @property
    def label(self) -> str:
        return {
            "urgent_referral": "Urgent dermatology appointment",
            "biopsy": "Biopsy",
            "routine_clinic": "Routine dermatology appointment",
            "reassure": "No appointment: reassure, with safety-netting advice",
            "retake": "New images needed",
        }[self.value]

    @property
    def advice(self) -> str:
        """What it means for the GP, in plain words."""
        return {
            "urgent_referral": "The hospital will contact the patient with an urgent appointment.",
            "biopsy": "The hospital will contact the patient to arrange a biopsy.",
            "routine_clinic": "The hospital will contact the patient with a routine appointment.",
            "reassure": "No appointment is needed. Ask the patient to come back to you if the lesion grows, bleeds, "
            "changes or does not heal.",
            "retake": "Please take new images and add them to this case.",
        }[self.value]


class PatternAnswer(StrEnum):
    """What a dermatologist says about a dermoscopic pattern."""

    PRESENT = "present"
    ABSENT = "absent"
    CANNOT_TELL = "cannot_tell"

    @property
    def label(self) -> str:
        return {"present": "Present", "absent": "Absent", "cannot_tell": "Unable to tell"}[self.value]


class Claim(Base):
    """One reader at a time: until it is released or expires, a claim keeps others from deciding.

    ``took_over``: the colleague's claim that this one ended; ``reason``: why.
    """

    __tablename__ = "claim"
    __table_args__ = (
        Index("ix_claim_case_id", "case_id"),
        Index(
            "uq_claim_held",
            "case_id",
            unique=True,
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    claimed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    took_over_id: Mapped[int | None] = mapped_column(ForeignKey("claim.id"))
    reason: Mapped[str] = mapped_column(Text, default="")

    case: Mapped[Case] = relationship(back_populates="claims")
    user: Mapped[User] = relationship()
    took_over: Mapped["Claim | None"] = relationship(remote_side=[id])


class Review(Base):
    """A decision. Immutable: an amendment is a new row that names the one it replaces; taking back adds a Retraction.

    ``reopened``: what called the previous decision into question, if that led to this one.
    ``known_suspicions``: what the model suspected on the page that the reader decided from, see
    `webapp.triage.concern.named`; None in older rows.
    ``model_wrong``: the reader says that the model was.
    ``claim_id`` is None for an amendment, because the case is not open and nobody can claim it.
    """

    __tablename__ = "review"
    __table_args__ = (
        Index("ix_review_decided", "decided_at", "case_id"),
        Index("ix_review_reviewer", "reviewer_id", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    claim_id: Mapped[int | None] = mapped_column(ForeignKey("claim.id"), unique=True)
    diagnosis: Mapped[Diagnosis] = mapped_column(text_enum(Diagnosis))
    management: Mapped[Management] = mapped_column(text_enum(Management))
    advice: Mapped[str] = mapped_column(Text, default="")
    override_reason: Mapped[str] = mapped_column(Text, default="")
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    amends_id: Mapped[int | None] = mapped_column(ForeignKey("review.id"))
    amendment_reason: Mapped[str] = mapped_column(Text, default="")
    reopened: Mapped[ReopenReason | None] = mapped_column(text_enum(ReopenReason))
    known_suspicions: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    model_wrong: Mapped[bool] = mapped_column(default=False, server_default=false())

    case: Mapped[Case] = relationship(back_populates="reviews")
    reviewer: Mapped[User] = relationship()
    assessments: Mapped[list["Assessment"]] = relationship(order_by="Assessment.id")
    marks: Mapped[list["Mark"]] = relationship(order_by="Mark.id")
    receipts: Mapped[list["Receipt"]] = relationship(
        lazy="selectin", order_by="(Receipt.outcome_seen_at, Receipt.user_id)"
    )
    amends: Mapped["Review | None"] = relationship(remote_side=[id])
    retraction: Mapped["Retraction | None"] = relationship(lazy="joined")

    @property
    def asks_for_images(self) -> bool:
        return self.management is Management.RETAKE

    @property
    def receipt(self) -> "Receipt | None":
        """The first at the GP's centre."""
        return self.receipts[0] if self.receipts else None

    def opened_by(self, user: User) -> bool:
        return any(receipt.user_id == user.id for receipt in self.receipts)


class Retraction(Base):
    """The reader took a decision back in time; the decision's row stays unchanged."""

    __tablename__ = "retraction"

    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    retracted_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)


class Assessment(Base):
    """A dermatologist's assessment of one pattern. It never overwrites the model's finding."""

    __tablename__ = "assessment"
    __table_args__ = (UniqueConstraint("review_id", "pattern"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"))
    pattern: Mapped[Pattern] = mapped_column(text_enum(Pattern, length=8))
    answer: Mapped[PatternAnswer] = mapped_column(text_enum(PatternAnswer))


class Receipt(Base):
    """Who at the GP's centre opened a decision, and when first. A later decision is unread again."""

    __tablename__ = "outcome_receipt"

    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    outcome_seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    user: Mapped[User] = relationship(lazy="joined")
