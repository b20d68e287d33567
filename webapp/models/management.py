"""Which management options a clinic offers. Their meaning is fixed, so that every decision stays readable."""

from sqlalchemy.orm import Mapped, mapped_column

from webapp.core.orm import Base, text_enum
from webapp.models.review import Management


class ManagementOption(Base):
    """A management option as this clinic offers it; without a row the default applies.

    ``active``: new decisions may choose it. ``reassuring``: the patient gets no dermatology appointment. It then
    needs a reason if the reader, the model, the histology or a second opinion suspects a cancer, if an image has no
    trusted result, if the case was re-opened, or if a second opinion has not been read (`webapp.triage.risk`).
    """

    __tablename__ = "management_option"

    id: Mapped[int] = mapped_column(primary_key=True)
    management: Mapped[Management] = mapped_column(text_enum(Management), unique=True)
    position: Mapped[int]
    active: Mapped[bool]
    reassuring: Mapped[bool]

    @classmethod
    def as_shipped(cls, management: Management) -> "ManagementOption":
        position = list(Management).index(management) + 1
        reassuring = management is Management.REASSURE
        return cls(management=management, position=position, active=True, reassuring=reassuring)
