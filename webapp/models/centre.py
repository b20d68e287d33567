"""Primary-care centres: a GP sees only the cases of their own."""

from datetime import datetime

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.orm import Base, UtcDateTime, utcnow


class Centre(Base):
    """``bcc_rate``: the share (0 to 1) of the images it sends that show a BCC, where the centre knows it. It shifts the
    probability that pages show, and nothing else: see `webapp.analysis.cards.at_centre_rate`.
    """

    __tablename__ = "centre"
    __table_args__ = (CheckConstraint("bcc_rate BETWEEN 0 AND 1", name="rate_range"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120), unique=True)
    active: Mapped[bool] = mapped_column(default=True)
    bcc_rate: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
