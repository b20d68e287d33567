"""What was found to be wrong with a case after it was sent. Rows are only added; nothing is taken off the record."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.orm import Base, UtcDateTime, utcnow
from webapp.models.case import Case
from webapp.models.user import User


class ReferenceCorrection(Base):
    """The case was filed under another patient's reference."""

    __tablename__ = "reference_correction"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    before: Mapped[str] = mapped_column(String(40))
    after: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text)
    corrected_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    case: Mapped[Case] = relationship(back_populates="corrections")
    user: Mapped[User] = relationship(lazy="joined")


class Voiding(Base):
    """The case was entered in error: nobody may act on it, whatever was answered."""

    __tablename__ = "voiding"

    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    reason: Mapped[str] = mapped_column(Text)
    voided_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    case: Mapped[Case] = relationship(back_populates="voiding")
    user: Mapped[User] = relationship(lazy="joined")
