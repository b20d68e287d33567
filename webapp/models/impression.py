"""Blinded reading: the reader's impression before the model's result was shown."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.orm import Base, UtcDateTime, text_enum, utcnow
from webapp.models.case import Case
from webapp.models.review import Diagnosis, Management
from webapp.models.user import User


class Impression(Base):
    """Immutable. From ``given_at`` on the reader sees the model's result, so a later decision is not blinded."""

    __tablename__ = "impression"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    diagnosis: Mapped[Diagnosis] = mapped_column(text_enum(Diagnosis))
    management: Mapped[Management] = mapped_column(text_enum(Management))
    given_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    case: Mapped[Case] = relationship(back_populates="impressions")
    user: Mapped[User] = relationship()
