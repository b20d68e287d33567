"""Worker commands running now or recently: when each was last seen, and which model it loaded."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.orm import Base, UtcDateTime, utcnow
from webapp.models.analysis import ModelVersion


class Worker(Base):
    """``model_error``: why no model could be loaded; empty once one is."""

    __tablename__ = "worker"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), unique=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow, index=True)
    model_version_id: Mapped[int | None] = mapped_column(ForeignKey("model_version.id"))
    model_error: Mapped[str] = mapped_column(Text, default="")
    release: Mapped[str] = mapped_column(String(40), default="", server_default="")
    """Of the program that it runs; one of another release than the database's takes no new work."""

    model_version: Mapped[ModelVersion | None] = relationship()
