"""What a dermatologist marks on an image for the GP: a place and a few words. Part of a decision, and never changes."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from webapp.core.orm import Base
from webapp.models.image import Image


class Mark(Base):
    """``x`` and ``y``: its place, as fractions of the image's width and height from the upper left corner.

    The marks of a decision are numbered from 1 in the order of their ids.
    """

    __tablename__ = "mark"

    id: Mapped[int] = mapped_column(primary_key=True)
    review_id: Mapped[int] = mapped_column(ForeignKey("review.id"), index=True)
    image_id: Mapped[int] = mapped_column(ForeignKey("image.id"))
    x: Mapped[float]
    y: Mapped[float]
    text: Mapped[str] = mapped_column(String(120))

    image: Mapped[Image] = relationship()
