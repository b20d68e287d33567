"""How the audit trail is chained: each event's digest covers its own columns and the previous digest.

Only the holder of AUDIT_KEY can make a digest, so a row that was changed, removed, added or moved behind the program's
back no longer fits.
"""

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
"""What stands before the first event."""
COVERED = ("id", "at", "actor_id", "action", "subject_type", "subject_id", "before", "after")


def digest_of(key: bytes, previous: str, event: Mapping[str, Any]) -> str:
    """HMAC-SHA256 in hex over the previous digest and the covered columns. A time without a zone is UTC."""
    facts = {name: _plain(event[name]) for name in COVERED}
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.digest(key, f"{previous}\n{text}".encode(), "sha256").hex()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        value = value if value.tzinfo else value.replace(tzinfo=UTC)
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    return value
