"""The operating points a clinic has chosen. A choice never changes; the latest one of a model version is in force."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.orm import Base, UtcDateTime, utcnow
from webapp.models.user import User


@dataclass(frozen=True)
class OperatingPoint:
    """A threshold on P(BCC) for a target sensitivity, with the figures measured there on held-out lesions."""

    target_sensitivity: float
    threshold: float
    sensitivity: float
    specificity: float

    def is_one_with(self, other: "OperatingPoint") -> bool:
        """Whether nothing but the target tells them apart: the same threshold, or the same figures measured."""
        measured = (self.sensitivity, self.specificity) == (other.sensitivity, other.specificity)
        return self.threshold == other.threshold or measured


class OperatingPointChoice(Base):
    """``placed_up_to``: the open cases with an id up to this one are placed by the choice; None: all of them are."""

    __tablename__ = "operating_point_choice"

    id: Mapped[int] = mapped_column(primary_key=True)
    model_version_id: Mapped[int] = mapped_column(ForeignKey("model_version.id"), index=True)
    target_sensitivity: Mapped[float]
    threshold: Mapped[float]
    chosen_by_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"))
    chosen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    placed_up_to: Mapped[int | None]

    chosen_by: Mapped[User] = relationship(lazy="joined")
