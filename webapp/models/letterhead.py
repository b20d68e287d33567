"""What stands at the head and the foot of a report: the hospital's, set by an administrator."""

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.orm import Base


class Letterhead(Base):
    """At most one row. ``registration``: of the hospital or department; ``signature``: a line below who decided."""

    __tablename__ = "letterhead"

    id: Mapped[int] = mapped_column(primary_key=True)
    hospital: Mapped[str] = mapped_column(String(120), default="")
    department: Mapped[str] = mapped_column(String(120), default="")
    address: Mapped[str] = mapped_column(Text, default="")
    registration: Mapped[str] = mapped_column(String(60), default="")
    signature: Mapped[str] = mapped_column(String(200), default="")
