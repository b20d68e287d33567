"""What a GP added to a case that was waiting: a note, images, or both."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.orm import Base, UtcDateTime, utcnow
from webapp.models.case import Case
from webapp.models.user import User


class Addition(Base):
    """Immutable. ``token``: of the form, which adds once; ``positions``: of the images that came with it."""

    __tablename__ = "addition"
    __table_args__ = (UniqueConstraint("case_id", "token"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    token: Mapped[str] = mapped_column(String(36))
    note: Mapped[str] = mapped_column(Text, default="")
    positions: Mapped[list[int]] = mapped_column(JSON, default=list)
    added_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    case: Mapped[Case] = relationship(back_populates="additions")
    user: Mapped[User] = relationship(lazy="joined")

    @property
    def images_in_words(self) -> str:
        """For example "images 3, 4"; empty if there are none."""
        numbers = ", ".join(str(position) for position in self.positions)
        return f"image{'s' if len(self.positions) > 1 else ''} {numbers}" if numbers else ""
