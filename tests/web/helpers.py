"""Shared by the page tests: filling in the GP's form, reading rows and the image store."""

import io
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event, func, select
from werkzeug.test import TestResponse

from tests.images import jpeg
from tests.web_client import CheckedClient
from webapp.core.config import Settings
from webapp.core.database import reading, transaction
from webapp.core.extensions import db
from webapp.models import Analysis, AuditEvent, Case, Centre, Image, Review, User
from webapp.storage.local import MARKER
from webapp.storage.store import open_store

SURE = {"confirmed": "y"}
"""What the page that asks before something sends."""
WITHDRAWAL = {"reason": "Wrong <patient>."}
File = tuple[bytes, str]
"""(content, file name)."""


def filled_in(**changes: object) -> dict[str, Any]:
    """The values of a complete form without images."""
    return {
        "submission_token": str(uuid.uuid4()),
        "patient_reference": "PC-7/2026",
        "birth_year": "1961",
        "sex": "female",
        "phototype": "2",
        "body_site": "face",
        "side": "left",
        "history": "Shiny nodule since spring.",
        "clinical_question": "BCC?",
        "urgency": "soon",
        "consent": "y",
        "nothing_identifying": "y",
        "send_anyway": "A test image.",
        **changes,
    }


def send(client: CheckedClient, files: list[File] | None = None, /, **changes: object) -> TestResponse:
    """Fill in the new-case form and send it; one good image unless ``files`` says otherwise."""
    chosen = [(jpeg(), "lesion.jpg")] if files is None else files
    images = [(io.BytesIO(data), name) for data, name in chosen]
    return client.submit("/cases/new", {**filled_in(**changes), "images": images})


def keys_of(image: Image) -> list[str]:
    """Of everything stored of one image: the whole one, preview and thumbnail."""
    return [image.key, str(image.preview_key), image.thumbnail_key]


def stored_files(settings: Settings) -> set[str]:
    """Keys of everything in the image store, whichever store is used."""
    return {key for key, _written in open_store(settings).keys()}  # noqa: SIM118 - a store is no dict


def objects_in(folder: Path) -> set[Path]:
    """Every file of an image store but its mark."""
    return {path for path in folder.rglob("*") if path.is_file() and path.name != MARKER}


def stored_bytes(settings: Settings) -> dict[str, bytes]:
    """Key → encrypted content."""
    blobs = open_store(settings).blobs
    return {key: blobs.read(key) for key in stored_files(settings)}


def count(app: Flask, table: type = Case) -> int:
    with app.app_context(), reading() as session:
        return int(session.scalar(select(func.count()).select_from(table)))


@contextmanager
def stored_case(app: Flask, number: str) -> Iterator[Case]:
    with app.app_context(), reading() as session:
        yield session.scalars(select(Case).where(Case.number == number)).one()


def standing(case: Case) -> Review:
    """The decision in force, where there must be one."""
    assert case.standing_review is not None
    return case.standing_review


def in_force(image: Image) -> Analysis:
    """The result in force, where there must be one."""
    assert image.current_analysis is not None
    return image.current_analysis


def change_case(app: Flask, number: str, **values: object) -> None:
    with app.app_context(), transaction() as session:
        case = session.scalars(select(Case).where(Case.number == number)).one()
        for name, value in values.items():
            setattr(case, name, value)


def number_of(response: TestResponse) -> str:
    """The case number in the address of a redirect."""
    assert response.status_code == 302, response.text
    return response.location.rsplit("/", 1)[-1]


def image_ids(app: Flask, number: str) -> list[int]:
    with stored_case(app, number) as case:
        return [image.id for image in case.images]


def heatmap_ids(app: Flask, number: str) -> list[int]:
    with stored_case(app, number) as case:
        return [f.id for image in case.images for f in image.analyses[-1].findings if f.heatmap_key]


def user_id(app: Flask, email: str) -> int:
    with app.app_context(), reading() as session:
        return int(session.scalars(select(User.id).where(User.email == email)).one())


def centre_id(app: Flask, name: str) -> int:
    with app.app_context(), reading() as session:
        return int(session.scalars(select(Centre.id).where(Centre.name == name)).one())


def actions(
    app: Flask, *, ignore: tuple[str, ...] = ("account.signed_in", "case.viewed", "record.changed")
) -> list[str]:
    """The actions in the audit trail, in order; "record.changed" also where a test stores a row by itself."""
    with app.app_context(), reading() as session:
        found = session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
        return [action for action in found if action not in ignore]


def words(html: str) -> str:
    """The text of a page, with white space collapsed."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


@contextmanager
def counted_queries(app: Flask) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        statements.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)
