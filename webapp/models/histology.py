"""What the pathologist found: the reference for both the decision and the model."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.orm import Base, UtcDateTime, text_enum, utcnow
from webapp.models.case import Case
from webapp.models.user import User


class HistologyResult(StrEnum):
    BCC = "bcc"
    OTHER_MALIGNANT = "other_malignant"
    IN_SITU = "in_situ"
    PREMALIGNANT = "premalignant"
    BENIGN = "benign"
    INCONCLUSIVE = "inconclusive"

    @property
    def label(self) -> str:
        return {
            "bcc": "Basal cell carcinoma",
            "other_malignant": "Other skin cancer (for example melanoma or SCC)",
            "in_situ": "Carcinoma or melanoma in situ",
            "premalignant": "Precancerous lesion (for example actinic keratosis)",
            "benign": "Benign lesion",
            "inconclusive": "Not diagnostic",
        }[self.value]

    @property
    def is_cancer(self) -> bool:
        """Whether it re-opens a decision that would miss it. In situ counts, since it needs treatment too."""
        return self in (HistologyResult.BCC, HistologyResult.OTHER_MALIGNANT, HistologyResult.IN_SITU)


class Histology(Base):
    """A result as entered. Immutable: a correction is a new row, and the last row counts."""

    __tablename__ = "histology"

    id: Mapped[int] = mapped_column(primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), index=True)
    entered_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    result: Mapped[HistologyResult] = mapped_column(text_enum(HistologyResult))
    remark: Mapped[str] = mapped_column(Text, default="")
    reported_on: Mapped[date | None] = mapped_column(Date)
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)

    case: Mapped[Case] = relationship(back_populates="histologies")
    entered_by: Mapped[User] = relationship(lazy="joined")
