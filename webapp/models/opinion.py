"""A second opinion from one colleague, who answers without seeing the first reader's decision."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.orm import Base, UtcDateTime, text_enum, utcnow
from webapp.models.case import Case
from webapp.models.review import Diagnosis, Management
from webapp.models.user import User


class OpinionRequest(Base):
    """``answered_at``: when the opinion was given; ``seen_at``: when the person who asked marked it as read."""

    __tablename__ = "opinion_request"
    __table_args__ = (
        Index("ix_opinion_request_asked_of", "asked_of_id", "answered_at", "id"),
        Index("ix_opinion_request_asked_by", "asked_by_id", "seen_at", "answered_at", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    asked_of_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    question: Mapped[str] = mapped_column(Text, default="")
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    case: Mapped[Case] = relationship(back_populates="opinion_requests")
    asked_by: Mapped[User] = relationship(foreign_keys=[asked_by_id], lazy="joined")
    asked_of: Mapped[User] = relationship(foreign_keys=[asked_of_id], lazy="joined")
    opinion: Mapped["Opinion | None"] = relationship(lazy="joined")


class Opinion(Base):
    """What the colleague thinks. Immutable; it is not a decision."""

    __tablename__ = "opinion"

    request_id: Mapped[int] = mapped_column(ForeignKey("opinion_request.id"), primary_key=True)
    diagnosis: Mapped[Diagnosis] = mapped_column(text_enum(Diagnosis))
    management: Mapped[Management] = mapped_column(text_enum(Management))
    remark: Mapped[str] = mapped_column(Text, default="")
    given_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
