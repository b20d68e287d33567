"""Everything held on one patient reference, in a ZIP file that a person can read."""

import json
import os
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import Column, Table, and_, cast, or_, select
from sqlalchemy.types import String

from webapp.audit.words import action_in_words
from webapp.cases import queries
from webapp.cases.letter import LAYOUTS
from webapp.core.extensions import db
from webapp.maintenance import belonging, objects
from webapp.models import AuditEvent, Case, Centre, User, utcnow
from webapp.storage.errors import StorageError
from webapp.storage.store import current_store

NAMED = (User.__tablename__, Centre.__tablename__)
"""If a row points to one of these, the export gives its name."""
KINDS = {b"\x89PNG": "png", b"\xff\xd8\xff": "jpg", b"RIFF": "webp"}


def export(cases: Sequence[Case], reference: str, file: Path) -> list[str]:
    """Write a new file that only its owner can read. Returns what could not be read from the store."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
            return _fill(archive, cases, reference)
    except BaseException:
        file.unlink()
        raise


def _fill(archive: zipfile.ZipFile, cases: Sequence[Case], reference: str) -> list[str]:
    ids = [case.id for case in cases]
    rows = {table.name: _rows(table, ids) for table in belonging.tables()}
    facts = {"patient_reference": reference, "exported_at": utcnow(), **rows}
    archive.writestr("record.json", _json(facts))
    archive.writestr("audit.json", _json(_events(ids)))
    for case in cases:
        if case.has_letter:
            archive.writestr(f"letters/{case.number}.html", _letter(case))
    return _add_objects(archive, ids)


def _json(facts: object) -> str:
    return json.dumps(facts, ensure_ascii=False, indent=1, default=_text)


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _rows(table: Table, case_ids: Sequence[int]) -> list[dict[str, Any]]:
    statement = select(table).where(belonging.of_cases(table, case_ids)).order_by(*table.primary_key)
    return [
        {column.name: _in_words(column, row[column.name]) for column in table.columns}
        for row in db.session.execute(statement).mappings()
    ]


def _in_words(column: Column[Any], value: Any) -> Any:
    if isinstance(value, Enum):
        words = getattr(value, "label", None) or getattr(value, "sentence", None)
        return {"code": value.value, "words": words or value.value.replace("_", " ")}
    if value is None:
        return None
    for key in column.foreign_keys:
        if key.column.table.name in NAMED:
            return {"id": value, "name": db.session.scalar(select(key.column.table.c.name).where(key.column == value))}
    return value


def _events(case_ids: Sequence[int]) -> list[dict[str, Any]]:
    """The events about the cases and their parts, in words."""
    about = or_(
        *(
            and_(
                AuditEvent.subject_type == table.name,
                AuditEvent.subject_id.in_(select(cast(key, String)).where(belonging.of_cases(table, case_ids))),
            )
            for table in belonging.tables()
            for key in list(table.primary_key)[:1]
        )
    )
    return [
        {
            "id": event.id,
            "at": event.at,
            "who": event.actor.name if event.actor else "System",
            "what": action_in_words(event.action),
            "subject": f"{event.subject_type} {event.subject_id}",
            "before": event.before,
            "after": event.after,
        }
        for event in db.session.scalars(select(AuditEvent).where(about).order_by(AuditEvent.id))
    ]


def _letter(case: Case) -> str:
    """As the GP can print it, without its images, which are next to it."""
    template = current_app.jinja_env.get_template("letters/letter.html")
    facts: dict[str, Any] = {
        "review": case.standing_review,
        "head": queries.letterhead(),
        "images": [],
        "marked": [],
        "made_at": utcnow(),
    }
    return template.render(case=case, layout=LAYOUTS[0], **facts)


def _add_objects(archive: zipfile.ZipFile, case_ids: Sequence[int]) -> list[str]:
    store = current_store()
    unreadable = []
    for column in objects.columns():
        table = objects.table_of(column)
        for row_id, key, digest in db.session.execute(
            objects.selection(column).where(belonging.of_cases(table, case_ids)).order_by(table.c.id)
        ):
            try:
                data = store.get(key, digest)
            except StorageError as error:
                unreadable.append(f"{table.name} {row_id}: {error}")
                continue
            kind = next((kind for start, kind in KINDS.items() if data.startswith(start)), "bin")
            archive.writestr(f"{table.name}/{row_id}-{column.name.removesuffix('_key')}.{kind}", data)
    return unreadable
