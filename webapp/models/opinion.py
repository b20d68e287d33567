"""A second opinion: asked of one colleague, who answers without knowing the first reader's decision."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, UtcDateTime, text_enum, utcnow
from webapp.models.case import Case
from webapp.models.review import Diagnosis, Management
from webapp.models.user import User


class OpinionRequest(Base):
    """``seen_at``: when the one who asked had read the answer."""

    __tablename__ = "opinion_request"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    asked_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    asked_of_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    question: Mapped[str] = mapped_column(Text, default="")
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    case: Mapped[Case] = relationship(back_populates="opinion_requests")
    asked_by: Mapped[User] = relationship(foreign_keys=[asked_by_id], lazy="joined")
    asked_of: Mapped[User] = relationship(foreign_keys=[asked_of_id], lazy="joined")
    opinion: Mapped["Opinion | None"] = relationship(lazy="joined")


class Opinion(Base):
    """The answer. Immutable, kept beside the decision; it decides nothing by itself."""

    __tablename__ = "opinion"

    request_id: Mapped[int] = mapped_column(ForeignKey("opinion_request.id"), primary_key=True)
    diagnosis: Mapped[Diagnosis] = mapped_column(text_enum(Diagnosis))
    management: Mapped[Management] = mapped_column(text_enum(Management))
    remark: Mapped[str] = mapped_column(Text, default="")
    given_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
