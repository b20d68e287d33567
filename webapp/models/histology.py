"""What the pathologist found: the truth against which decision and model are measured."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.models.base import Base, UtcDateTime, text_enum, utcnow
from webapp.models.case import Case
from webapp.models.user import User


class HistologyResult(StrEnum):
    BCC = "bcc"
    OTHER_MALIGNANT = "other_malignant"
    PREMALIGNANT = "premalignant"
    BENIGN = "benign"
    INCONCLUSIVE = "inconclusive"

    @property
    def label(self) -> str:
        return {
            "bcc": "Basal cell carcinoma",
            "other_malignant": "Other skin cancer (for example melanoma or SCC)",
            "premalignant": "Precancerous lesion or carcinoma in situ",
            "benign": "Benign lesion",
            "inconclusive": "Not diagnostic",
        }[self.value]

    @property
    def is_cancer(self) -> bool:
        return self in (HistologyResult.BCC, HistologyResult.OTHER_MALIGNANT)


class Histology(Base):
    """A result as somebody entered it. Immutable: a correction is a new row, and the last one counts."""

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
