"""What has happened to a case that somebody has not opened yet."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.orm import Base


class Unread(Base):
    """This person has yet to open the case: an answer that only colleagues at the centre have opened so far, a
    corrected patient reference, or that it is void.

    While nobody has opened it, ``Case.unread`` says so to all, also to those who join the centre later.
    """

    __tablename__ = "unread_case"
    __table_args__ = (Index("ix_unread_case_case_id", "case_id"),)

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), primary_key=True)
    case_id: Mapped[int] = mapped_column(ForeignKey("case_file.id"), primary_key=True)
