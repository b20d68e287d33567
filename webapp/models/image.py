"""A dermoscopic image: rebuilt from pixels, upright, encrypted under a server-made name."""

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, UtcDateTime, utcnow
from webapp.models.case import Case

if TYPE_CHECKING:
    from webapp.models.analysis import Analysis


class Image(Base):
    __tablename__ = "image"
    __table_args__ = (UniqueConstraint("case_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"))
    position: Mapped[int]
    key: Mapped[str] = mapped_column(String(40), unique=True)
    thumbnail_key: Mapped[str] = mapped_column(String(40), unique=True)
    media_type: Mapped[str] = mapped_column(String(20))
    width: Mapped[int]
    height: Mapped[int]
    byte_size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    stored_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    case: Mapped[Case] = relationship(back_populates="images")
    analyses: Mapped[list["Analysis"]] = relationship(back_populates="image", order_by="Analysis.id")

    @property
    def current_analysis(self) -> "Analysis | None":
        """The one analysis in force; earlier ones stay as history, re-runs of decided cases beside it."""
        current = [analysis for analysis in self.analyses if analysis.is_current]
        return current[-1] if current else None
