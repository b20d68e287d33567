"""Sign-in sessions and recent attempts."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.orm import Base, UtcDateTime, text_enum, utcnow


class SignInSession(Base):
    """One browser in which somebody is signed in. Its cookie holds a random token, this row its SHA-256."""

    __tablename__ = "sign_in_session"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    browser: Mapped[str] = mapped_column(String(60))


class AttemptKind(StrEnum):
    SIGN_IN = "sign_in"
    PRESENT_PASSWORD = "present_password"  # noqa: S105
    CODE = "code"
    RECOVERY_CODE = "recovery_code"


class Attempt(Base):
    """Somebody tried a password or code for an account, existing or not; ``account`` is a keyed hash."""

    __tablename__ = "attempt"
    __table_args__ = (Index("ix_attempt_account_kind", "account", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str] = mapped_column(String(64))
    kind: Mapped[AttemptKind] = mapped_column(text_enum(AttemptKind))
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
