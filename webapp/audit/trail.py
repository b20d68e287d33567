"""Walking the audit trail's chain from the first event to the head."""

import logging
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Text, cast, select

from webapp.audit.chain import GENESIS, digest_of
from webapp.core import strict_json
from webapp.core.config import current_settings
from webapp.core.database import snapshot
from webapp.core.extensions import db
from webapp.models import AuditEvent, AuditHead

log = logging.getLogger(__name__)

BATCH = 1000
SHOWN = 20
"""How many breaks are listed: a wrong key breaks the chain at every event."""


class NotAHeadError(ValueError):
    """A head looks like COUNT:DIGEST."""


@dataclass(frozen=True)
class Head:
    """How many events there are, and the digest of the last one."""

    count: int
    digest: str

    def __str__(self) -> str:
        return f"{self.count}:{self.digest}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """Raises NotAHeadError."""
        count, _, digest = text.strip().partition(":")
        if not count.isdecimal() or len(digest) != len(GENESIS):
            raise NotAHeadError("a head is written COUNT:DIGEST")
        return cls(int(count), digest)


@dataclass
class Verification:
    """What the walk found; no ``breaks``: the trail is intact."""

    head: Head
    breaks: list[str] = field(default_factory=list)


def head_in(connection: Connection) -> Head:
    row = connection.execute(select(AuditHead.count, AuditHead.digest)).one()
    return Head(row._mapping["count"], row.digest)


def head() -> Head:
    return head_in(db.session.connection())


def tell_head() -> None:
    """If the log is kept elsewhere, ``verify-audit --expect`` proves that an end was cut off."""
    log.info("audit head %s", head())


def verify(expected: Collection[Head] = ()) -> Verification:
    """Compare every digest with its event, and the end with the stored head and with those recorded elsewhere."""
    with snapshot() as connection:
        found = Verification(head_in(connection))
        for _event in walk(connection, found, expected):
            pass
    return found


def walk(connection: Connection, found: Verification, expected: Collection[Head] = ()) -> Iterator[dict[str, Any]]:
    """Each event, oldest first; ``found.breaks`` is complete at the end."""
    key = current_settings().audit_key
    walked, last_id, last = 0, 0, GENESIS
    missing = {noted for noted in expected if noted.count}
    for row in connection.execute(_EVENTS):
        event = dict(row._mapping)
        try:
            event.update({name: _loaded(event[name]) for name in JSON_COLUMNS})
        except ValueError as error:
            found.breaks.append(f"event {event['id']}: {error}")
        else:
            if digest_of(key, last, event) != event["digest"]:
                found.breaks.append(_broken(event["id"], last_id))
            yield event
        walked, last_id, last = walked + 1, event["id"], event["digest"]
        missing.discard(Head(walked, last))
    if Head(walked, last) != found.head:
        found.breaks.append(
            f"after event {last_id}: the last events were removed or replaced "
            f"({walked} are stored; the head says {found.head.count})"
        )
    found.breaks += [
        f"the head recorded elsewhere ({noted}) is not part of this trail" for noted in sorted(missing, key=str)
    ]


JSON_COLUMNS = ("before", "after", "seals")
_COLUMNS = [
    cast(column, Text).label(column.name) if column.name in JSON_COLUMNS else column
    for column in AuditEvent.__table__.columns
]
_EVENTS = select(*_COLUMNS).order_by(AuditEvent.id).execution_options(yield_per=BATCH)


def _loaded(text: str | None) -> Any:
    return None if text is None else strict_json.loads(text)


def _broken(event_id: object, previous: int) -> str:
    return f"event {event_id}: it was changed, or events between {previous} and {event_id} were removed or added"
