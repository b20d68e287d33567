"""A request to analyse old images again. The worker does so a few at a time, after new uploads."""

from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.orm import Base, UtcDateTime, utcnow
from webapp.models.user import User


class Rerun(Base):
    """Covers images stored before ``requested_at`` that this model version has not analysed; open until ``ended_at``.

    ``images``: how many there were at the time of the request.
    """

    __tablename__ = "rerun"

    id: Mapped[int] = mapped_column(primary_key=True)
    model_version_id: Mapped[int] = mapped_column(ForeignKey("model_version.id"))
    requested_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    stopped: Mapped[bool] = mapped_column(default=False)
    images: Mapped[int] = mapped_column(default=0, server_default="0")

    requested_by: Mapped[User] = relationship(lazy="joined")
