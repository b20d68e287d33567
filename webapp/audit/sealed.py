"""What a seal covers: every column of every table, except what is named here.

A row's columns form parts, and each part has a digest of its own, because a part may change without the others. Columns
that are not named in ``PARTS`` form the part CONTENT, which a row keeps for good.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from sqlalchemy import Column, Table

from webapp.models.states import PENDING_STATES

CONTENT = "content"
PARTS: dict[str, dict[str, tuple[str, ...]]] = {
    "case_file": {
        "state": ("state", "is_open", "unread", "closed_at", "withdrawal_reason"),
        "place in the worklist": (
            "rank",
            "needs_person",
            "triage_reason",
            "bcc_probability",
            "contradiction",
            "other_cancer",
            "past_due",
            "reopened",
            "waiting_since",
        ),
        "patient reference": ("patient_reference", "reference_key", "reference_reversed"),
        "earlier case of the lesion": ("follows_id",),
        "responsible GP": ("responsible_id",),
    },
    "image": {"scale": ("mm_per_pixel", "scale_set_by_id", "scale_set_at")},
    "analysis": {
        "result": (
            "failure",
            "finished_at",
            "model_version_id",
            "preprocessing",
            "bcc_probability",
            "bcc",
            "needs_person",
            "modality",
            "reasons",
            "lesion",
            "region",
        ),
        "state": ("state", "shadow"),
    },
    "claim": {"end": ("released_at",)},
    "opinion_request": {"answer": ("answered_at", "seen_at")},
    "rerun": {"progress": ("ended_at", "stopped", "images")},
    "user_account": {
        "role": ("role", "centre_id"),
        "access": ("active",),
        "sign-in": ("email", "password", "fs_uniquifier", "tf_primary_method", "tf_totp_secret", "mf_recovery_codes"),
        "name": ("name", "registration"),
        "blinded reading": ("reads_blinded",),
        "invitation": ("invited_at", "joined_at"),
    },
    "centre": {"name": ("name",), "access": ("active",), "rate": ("bcc_rate",)},
    "management_option": {"use": ("active", "position"), "meaning": ("reassuring",)},
}
"""Table → part → its columns."""

WORKING: dict[str, tuple[str, ...]] = {
    "analysis": ("attempts", "lease_owner", "lease_until", "heartbeat_at", "queued_at", "started_at"),
    "claim": ("expires_at",),
    "model_switch": ("placed_up_to",),
    "operating_point_choice": ("placed_up_to",),
    "user_account": ("tf_last_counter",),
}
"""Columns that change all the time and say nothing about a patient or about who may do what."""
UNSEALED = ("audit_event", "audit_head", "attempt", "sign_in_session", "unread_case", "worker", "alembic_version")
"""Tables of the same kind, and the trail itself, which has its chain."""


def is_sealed(table: str) -> bool:
    return table not in UNSEALED


def part_of(table: str, column: str) -> str | None:
    """The part that the column belongs to; None if no seal covers it."""
    if column in WORKING.get(table, ()):
        return None
    return next((part for part, columns in PARTS.get(table, {}).items() if column in columns), CONTENT)


def parts_of(table: Table) -> dict[str, list[Column[Any]]]:
    """Part → its columns, as far as the table has them: a migration may meet an older one."""
    found: dict[str, list[Column[Any]]] = {}
    for column in table.columns:
        part = part_of(table.name, column.name)
        if part is not None and not column.primary_key:
            found.setdefault(part, []).append(column)
    return found or {CONTENT: []}


def facts(table: str, columns: list[Column[Any]], row: Mapping[str, Any]) -> dict[str, Any]:
    """What is sealed of a row. Empty values are left out, so that a column added later breaks no older seal."""
    found = {column.name: _as_sealed(table, column.name, row[column.name]) for column in columns}
    return {name: value for name, value in found.items() if not _is_empty(value)}


def _as_sealed(table: str, column: str, value: Any) -> Any:
    value = value.value if isinstance(value, StrEnum) else value
    if (table, column) == ("analysis", "state") and value in PENDING_STATES:
        return "pending"  # which worker has it just now is no part of the record
    return value


def _is_empty(value: Any) -> bool:
    return value is None or value is False or value in ("", [], {})
