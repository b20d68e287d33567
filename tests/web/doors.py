"""Every endpoint, with real data behind it: a decided case of centre A with images and a heatmap."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Column, Table, select
from werkzeug.test import TestResponse

from tests.conftest import World
from tests.web.helpers import heatmap_ids, image_ids, user_id
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp.accounts import service
from webapp.core.database import reading
from webapp.core.extensions import db
from webapp.models import Centre, ModelVersion, Role, User

OF_A_CASE = {"number", "image_id", "finding_id"}
OTHERS = {"user_id", "centre_id", "version_id", "token", "filename"}
FILES = {
    "static": "css/dermtriage.css",
    "security.static": "js/webauthn.js",
}
BOOKKEEPING = {"seen_at"}


@dataclass(frozen=True)
class Door:
    endpoint: str
    method: str
    path: str
    arguments: frozenset[str]

    @property
    def leads_to_a_case(self) -> bool:
        return bool(self.arguments & OF_A_CASE)


class Clinic:
    """Two centres with a GP each, two dermatologists, an administrator, and an answered case."""

    def __init__(self, app: Flask, world: World, reader: CheckedClient, emails: dict[str, str]) -> None:
        self.app, self.emails = app, emails
        self.number = world.case(emails["GP of A"])
        world.analyse(self.number, 0.9)
        take(reader, self.number)
        decide(reader, self.number, diagnosis="bcc", management="biopsy")
        self.spare = world.user(Role.GP, centre="Test Centre C")

    def doors(self) -> Iterator[Door]:
        """Each endpoint and method once; addresses are built from the ids of the data above."""
        values = self._values()
        for rule in sorted(self.app.url_map.iter_rules(), key=lambda rule: rule.rule):
            assert rule.arguments <= OF_A_CASE | OTHERS, f"a new kind of id: {rule.rule}"
            wanted = {**values, "filename": FILES.get(rule.endpoint, "")}
            path = self.app.url_map.bind("localhost").build(rule.endpoint, {a: wanted[a] for a in rule.arguments})
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                yield Door(rule.endpoint, method, path, frozenset(rule.arguments))

    def _values(self) -> dict[str, object]:
        with self.app.app_context(), reading() as session:
            spare = session.scalars(select(User).where(User.email == self.spare)).one()
            with self.app.test_request_context():
                token = service.invitation_path(spare).rsplit("/", 1)[1]
            centre = session.scalars(select(Centre.id).where(Centre.name == "Test Centre C")).one()
            version = session.scalars(select(ModelVersion.id)).first()
        return {
            "number": self.number,
            "image_id": image_ids(self.app, self.number)[0],
            "finding_id": heatmap_ids(self.app, self.number)[0],
            "user_id": user_id(self.app, self.spare),
            "centre_id": centre,
            "version_id": version,
            "token": token,
        }

    def everything(self) -> dict[str, list[tuple[object, ...]]]:
        """All rows of all tables, except what every request records."""
        with self.app.app_context(), reading() as session:
            return {
                table.name: sorted(
                    (tuple(row) for row in session.execute(select(*_columns(table)))), key=lambda row: str(row[0])
                )
                for table in db.metadata.sorted_tables
            }


def _columns(table: Table) -> list[Column[Any]]:
    return [column for column in table.columns if column.name not in BOOKKEEPING]


def knock(client: CheckedClient, door: Door, data: dict[str, str] | None = None) -> TestResponse:
    """One request, without the usual page checks: they have their own tests, and there are hundreds of endpoints."""
    return FlaskClient.open(client, door.path, method=door.method, data=data, buffered=True)


def to_sign_in(response: TestResponse) -> bool:
    return response.status_code == 401 or (response.location or "").split("?")[0] == "/login"
