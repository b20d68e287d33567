"""The audit trail. Call ``record`` next to the change it describes: both are stored, or neither.

Events wait on the session and are appended to the chain just before the commit, under a lock on its head, so that the
lock is held only for an INSERT and a commit. The last one carries the seals of what the transaction wrote.
"""

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, event, insert, select, update
from sqlalchemy.orm import Session, SessionTransaction

from webapp.audit import sealing
from webapp.audit.chain import digest_of
from webapp.core.config import current_settings
from webapp.core.database import begin_to_write
from webapp.core.extensions import db
from webapp.models import AuditEvent, AuditHead, User, utcnow

NOW_AND_THEN = timedelta(hours=1)
WAITING = "audit_events"
"""Where a session keeps (transaction or savepoint, columns) of events that are not appended yet."""


class INSTALLATION:
    """The subject of what concerns no single row, such as a backup."""

    __tablename__ = "installation"
    id = ""


def record(
    actor: User | None,
    action: str,
    subject: Any,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Record that ``actor`` (None: the system) did ``action`` to ``subject``, a stored row.

    ``before`` and ``after`` hold what changed; never a patient reference or free text.
    """
    session = db.session()
    session.flush()  # a new subject gets its id
    columns = {
        "at": utcnow(),
        "actor_id": actor.id if actor else None,
        "action": action,
        "subject_type": subject.__tablename__,
        "subject_id": str(subject.id),
        "before": before,
        "after": after,
    }
    own = session.get_nested_transaction() or session.get_transaction() or session.begin()
    session.info.setdefault(WAITING, []).append((own, columns))


def record_now_and_then(actor: User, action: str, subject: Any) -> None:
    """The same for what happens repeatedly: recorded once an hour for each person and subject.

    For requests that otherwise only read; one whose event is already recorded writes nothing.
    """
    same = (AuditEvent.subject_type == subject.__tablename__, AuditEvent.subject_id == str(subject.id))
    lately = select(AuditEvent.id).where(*same, AuditEvent.actor_id == actor.id, AuditEvent.action == action)
    if db.session.scalar(lately.where(AuditEvent.at > utcnow() - NOW_AND_THEN).limit(1)) is None:
        begin_to_write()
        record(actor, action, subject)


@event.listens_for(db.session, "after_soft_rollback")
def _forget(session: Session, ended: SessionTransaction) -> None:
    """What happened in a savepoint or transaction that failed did not happen."""
    if ended.parent is None:
        sealing.forget(session)
    if waiting := session.info.get(WAITING):
        session.info[WAITING] = [(own, columns) for own, columns in waiting if not _within(own, ended)]


@event.listens_for(db.session, "before_commit")
def _append(session: Session) -> None:
    root = session.get_transaction()
    if session.in_nested_transaction() or root is None:
        return
    session.flush()
    waiting = [columns for own, columns in session.info.pop(WAITING, []) if _within(own, root)]
    if seals := sealing.taken(session):
        waiting = waiting or [{"at": utcnow(), "before": None, **sealing.event_of_its_own(seals)}]
        waiting[-1]["seals"] = seals
    if waiting:
        _extend_chain(session, waiting)


def _within(transaction: SessionTransaction | None, outer: SessionTransaction) -> bool:
    while transaction is not None and transaction is not outer:
        transaction = transaction.parent
    return transaction is outer


def _extend_chain(session: Session, waiting: list[dict[str, Any]]) -> None:
    actors = {columns["actor_id"] for columns in waiting} - {None}
    if (
        actors and session.get_bind().dialect.name != "sqlite"
    ):  # the INSERT will lock them: not while the head is locked
        session.execute(select(User.id).where(User.id.in_(actors)).with_for_update(read=True, key_share=True))
    extend(session.connection(), current_settings().audit_key, waiting)


def extend(connection: Connection, key: bytes, events: list[dict[str, Any]]) -> None:
    """Append the events to the chain; also called by migrations."""
    head = connection.execute(select(AuditHead.count, AuditHead.last_id, AuditHead.digest).with_for_update()).one()
    digest, rows = head.digest, []
    for last_id, columns in enumerate(events, start=head.last_id + 1):
        row = {"id": last_id, "seals": None, **columns}
        digest = digest_of(key, digest, row)
        rows.append({**row, "digest": digest})
    connection.execute(insert(AuditEvent.__table__), rows)  # type: ignore[arg-type]
    values = {"count": head._mapping["count"] + len(rows), "last_id": rows[-1]["id"], "digest": digest}
    connection.execute(update(AuditHead.__table__).values(values))  # type: ignore[arg-type]
