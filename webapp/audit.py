"""The audit trail. Call ``record`` beside the change it describes: both are stored, or neither."""

from typing import Any

from webapp.extensions import db
from webapp.models import AuditEvent, User


def record(
    actor: User | None,
    action: str,
    subject: Any,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Note that ``actor`` (None: the system) did ``action`` to ``subject``, a stored row.

    ``before`` and ``after`` hold what changed; never a patient reference or free text.
    """
    db.session.flush()  # a new subject gets its id
    db.session.add(
        AuditEvent(
            actor_id=actor.id if actor else None,
            action=action,
            subject_type=subject.__tablename__,
            subject_id=str(subject.id),
            before=before,
            after=after,
        )
    )
