"""A dermoscopic image: rebuilt from its pixels, upright, stored encrypted under a name the server chose."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import JSON, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.orm import OBJECT, Base, UtcDateTime, utcnow
from webapp.models.case import Case
from webapp.models.user import User

if TYPE_CHECKING:
    from webapp.models.analysis import Analysis


class QualityFlag(StrEnum):
    """A problem with an image: those of `ml.imaging.quality`, and that the centre has sent it before."""

    OUT_OF_FOCUS = "out_of_focus"
    TOO_DARK = "too_dark"
    WASHED_OUT = "washed_out"
    LITTLE_SKIN = "little_skin"
    TOO_SMALL = "too_small"
    MUCH_LEFT_OUT = "much_left_out"
    ALREADY_SENT = "already_sent"

    @property
    def label(self) -> str:
        return {
            "out_of_focus": "out of focus or lacking detail",
            "too_dark": "too dark",
            "washed_out": "overexposed",
            "little_skin": "little of the frame is skin: zoom in",
            "too_small": "resolution too low to show fine structures",
            "much_left_out": "half or more of the image lies outside the square the model analyses",
            "already_sent": "already sent by the same centre",
        }[self.value]


class Image(Base):
    """``quality_flags``: codes, set when it was sent; ``sent_anyway``: the GP's reason for sending it despite them.

    ``preview_key``: none where it was sent before there were previews.
    ``mm_per_pixel``: its scale, once a dermatologist has measured something of known length; nothing else gives it one.
    """

    __tablename__ = "image"
    __table_args__ = (UniqueConstraint("case_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"))
    position: Mapped[int]
    key: Mapped[str] = mapped_column(String(40), unique=True, info={**OBJECT, "sha256": "sha256"})
    thumbnail_key: Mapped[str] = mapped_column(String(40), unique=True, info=OBJECT)
    preview_key: Mapped[str | None] = mapped_column(String(40), unique=True, index=True, info=OBJECT)
    media_type: Mapped[str] = mapped_column(String(20))
    width: Mapped[int]
    height: Mapped[int]
    byte_size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), index=True)
    stored_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    quality_flags: Mapped[list[str]] = mapped_column(JSON, default=list)
    sent_anyway: Mapped[str] = mapped_column(Text, default="")
    mm_per_pixel: Mapped[float | None]
    scale_set_by_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    scale_set_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    case: Mapped[Case] = relationship(back_populates="images")
    scale_set_by: Mapped[User | None] = relationship()
    analyses: Mapped[list["Analysis"]] = relationship(back_populates="image", order_by="Analysis.id")

    @property
    def quality_flags_in_words(self) -> str:
        return "; ".join(QualityFlag(code).label for code in self.quality_flags)

    @property
    def current_analysis(self) -> "Analysis | None":
        """The one analysis in force; neither an earlier one nor a shadow re-run."""
        current = [analysis for analysis in self.analyses if analysis.is_current]
        return current[-1] if current else None
