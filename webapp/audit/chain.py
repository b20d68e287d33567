"""Digests that only the holder of AUDIT_KEY can make: of events, each chained to the one before, of rows, of a backup.

An event that was changed, removed, added or moved behind the program's back no longer fits.
"""

import hmac
import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

GENESIS = "0" * 64
"""What stands before the first event."""
COVERED = ("id", "at", "actor_id", "action", "subject_type", "subject_id", "before", "after")
SEAL_LENGTH = 32
"""Of a seal in hexadecimal digits: nobody can try one out without the key, so 128 bits are enough."""


def digest_of(key: bytes, previous: str, event: Mapping[str, Any]) -> str:
    """HMAC-SHA256 in hex over the previous digest and the covered columns. A time without a zone is UTC."""
    facts = {name: event[name] for name in COVERED}
    if event.get("seals") is not None:  # events from before there were any keep their digest
        facts["seals"] = event["seals"]
    return _authenticated(key, previous, facts)


def seal_of(key: bytes, row: str, part: str, facts: Mapping[str, Any]) -> str:
    """The seal of one part of a row."""
    return _authenticated(key, f"seal {row} {part}", facts)[:SEAL_LENGTH]


def signature_of(key: bytes, facts: Mapping[str, Any]) -> str:
    """Of what a backup says about itself."""
    return _authenticated(key, "backup", facts)


def _authenticated(key: bytes, what: str, facts: Mapping[str, Any]) -> str:
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain)
    return hmac.digest(key, f"{what}\n{text}".encode(), "sha256").hex()


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        value = value if value.tzinfo else value.replace(tzinfo=UTC)
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no canonical form")
