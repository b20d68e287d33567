"""Walking the audit trail's chain from the first event to the head."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from webapp.audit.chain import GENESIS, digest_of
from webapp.core.config import current_settings
from webapp.core.database import reading
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


def head() -> Head:
    row = db.session.execute(select(AuditHead.count, AuditHead.digest)).one()
    return Head(row._mapping["count"], row.digest)


def tell_head() -> None:
    """If the log is kept elsewhere, ``verify-audit --expect`` proves that an end was cut off."""
    log.info("audit head %s", head())


def verify(expected: Head | None = None) -> Verification:
    """Compare every digest with its event, and the end with the stored head and with one recorded elsewhere."""
    key = current_settings().audit_key
    with reading():
        claimed = head()
        found, walked, last_id, last = Verification(claimed), 0, 0, GENESIS
        noted = expected is None or expected.count == 0
        for event in _events():
            if digest_of(key, last, event) != event["digest"]:
                found.breaks.append(_broken(event["id"], last_id))
            walked, last_id, last = walked + 1, event["id"], event["digest"]
            noted = noted or (expected is not None and expected == Head(walked, last))
        if Head(walked, last) != claimed:
            found.breaks.append(
                f"after event {last_id}: the last events were removed or replaced "
                f"({walked} are stored; the head says {claimed.count})"
            )
    if not noted:
        found.breaks.append(f"the head recorded elsewhere ({expected}) is not part of this trail")
    return found


def _events() -> Iterator[dict[str, Any]]:
    columns = list(AuditEvent.__table__.columns)
    statement = select(*columns).order_by(AuditEvent.id).execution_options(yield_per=BATCH)
    for row in db.session.execute(statement).mappings():
        yield dict(row)


def _broken(event_id: object, previous: int) -> str:
    return f"event {event_id}: it was changed, or events between {previous} and {event_id} were removed or added"
