"""When the model was switched off and on again. A row never changes what it says; the latest one is in force."""

from datetime import datetime

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.orm import Base, UtcDateTime, utcnow
from webapp.models.user import User


class ModelSwitch(Base):
    """``placed_up_to``: the cases with an id up to this one are placed by it; None: all of them are."""

    __tablename__ = "model_switch"

    id: Mapped[int] = mapped_column(primary_key=True)
    off: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text)
    switched_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    switched_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    placed_up_to: Mapped[int | None]

    switched_by: Mapped[User] = relationship(lazy="joined")
