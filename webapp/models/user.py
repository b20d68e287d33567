"""People who sign in: each has one role, and a GP belongs to one centre."""

from dataclasses import dataclass
from datetime import datetime

from flask_security import RoleMixin, UserMixin
from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.config import current_settings
from webapp.core.orm import Base, UtcDateTime, text_enum, utcnow
from webapp.core.roles import Role as Role
from webapp.models.centre import Centre


@dataclass(frozen=True)
class SecurityRole(RoleMixin):
    """The role as Flask-Security expects it; the access table decides what it may do."""

    name: str

    def get_permissions(self) -> set[str]:
        return set()


class User(Base, UserMixin):
    __tablename__ = "user_account"
    __table_args__ = (CheckConstraint("role <> 'gp' OR centre_id IS NOT NULL", name="gp_has_centre"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    password: Mapped[str] = mapped_column(String(255))
    role: Mapped[Role] = mapped_column(text_enum(Role))
    centre_id: Mapped[int | None] = mapped_column(ForeignKey("centre.id"))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utcnow)
    invited_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    joined_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    registration: Mapped[str] = mapped_column(String(60), default="", server_default="")
    """A dermatologist's number with the professional register, for reports."""
    reads_blinded: Mapped[bool] = mapped_column(default=False)
    tf_primary_method: Mapped[str | None] = mapped_column(String(32))
    tf_totp_secret: Mapped[str | None] = mapped_column(Text)
    tf_last_counter: Mapped[int | None]
    mf_recovery_codes: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))

    tf_phone_number = None  # Flask-Security clears it; codes are never sent by phone
    centre: Mapped[Centre | None] = relationship()

    @property
    def roles(self) -> list[RoleMixin]:  # type: ignore[override]
        return [SecurityRole(self.role.value)]

    @property
    def has_second_factor(self) -> bool:
        return bool(self.tf_primary_method and self.tf_totp_secret)

    @property
    def needs_second_factor(self) -> bool:
        """Required of dermatologists and administrators, optional for GPs."""
        return bool(current_settings().second_factor) and self.role is not Role.GP

    def check_tf_required(
        self, tf_setup_methods: list[tuple[str, str]], tf_fresh: bool
    ) -> tuple[bool, list[tuple[str, str]]]:
        """Called by Flask-Security after a correct password."""
        return self.needs_second_factor or bool(tf_setup_methods), tf_setup_methods

    def check_tf_required_setup(self) -> bool:
        return self.needs_second_factor
