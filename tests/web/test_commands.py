"""Every command that changes something leaves an audit event; a command that is not listed here fails."""

from collections.abc import Iterator

import click
import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import World
from tests.web.helpers import change_case
from webapp.core.config import Settings
from webapp.core.database import reading
from webapp.core.extensions import db
from webapp.models import AuditEvent, Role, User, utcnow
from webapp.storage.store import store_of

CHANGING: dict[str, tuple[list[str], str]] = {
    "apply-retention": ([], "retention.applied"),
    "backup": (["{folder}/backup"], "backup.begun"),
    "create-admin": (["--email", "new@test.example", "--name", "N"], "account.invited"),
    "erase-patient": (["TEST-1", "--centre", "Test Centre A", "--yes"], "patient.erased"),
    "export-patient": (["TEST-1", "--centre", "Test Centre A", "--to", "{folder}/x.zip"], "patient.exported"),
    "reset-second-factor": (["--email", "{gp}"], "account.second_factor_reset"),
    "rotate-keys": ([], "store.rekeyed"),
    "users activate": (["{left}"], "record.changed"),
    "users deactivate": (["{gp}"], "record.changed"),
    "users reset_access": (["{gp}"], "record.changed"),
    "verify-store": (["--delete-orphans"], "store.left_overs_deleted"),
}
"""Command → its arguments, and the event it leaves."""
ELSEWHERE = {
    "restore": "tests/web/test_backup.py: the event is the last one in the restored trail",
    "worker": "what it does is tested where it is done",
}
CHANGING_NOTHING = {
    *("audit-head", "draw-states", "verify-audit", "verify-records"),
}
REFUSED = {
    "roles add": ["{gp}", "admin"],
    "roles add_permissions": ["admin", "x"],
    "roles create": ["x"],
    "roles remove": ["{gp}", "gp"],
    "roles remove_permissions": ["admin", "x"],
    "users change_password": ["{gp}", "--password", "four other unrelated words"],
    "users create": ["new@test.example", "--password", "four other unrelated words"],
}
"""Flask-Security's: roles are given on the accounts page, and a link lets its owner set a password."""


def paths(group: click.Group, before: str = "") -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from paths(command, f"{before}{name} ")
        else:
            yield before + name


def test_every_command_is_listed(app: Flask) -> None:
    schema = {"db"}  # Alembic's: a migration that changes rows seals them, see test_migrations.py
    assert set(paths(app.cli)) - schema == {*CHANGING, *ELSEWHERE, *CHANGING_NOTHING, *REFUSED}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"retention_years": 1})


@pytest.fixture
def given(app: Flask, world: World, tmp_path) -> dict[str, str]:
    gp = world.user(Role.GP)
    number = world.case(gp)
    change_case(app, number, state="withdrawn", is_open=False, submitted_at=utcnow().replace(year=2020, day=1))
    return {"folder": str(tmp_path), "gp": gp, "left": world.user(Role.GP, active=False)}


def events(app: Flask) -> list[tuple[str, object]]:
    with app.app_context(), reading() as session:
        return [(row.action, row.after) for row in session.scalars(select(AuditEvent).order_by(AuditEvent.id))]


def run(app: Flask, path: str, arguments: list[str], given: dict[str, str]) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=[*path.split(), *(text.format(**given) for text in arguments)])
    return result.exit_code, result.output or str(result.exception)


@pytest.mark.parametrize("path", CHANGING)
def test_a_command_that_changes_something_leaves_an_event(
    app: Flask, settings: Settings, another, given: dict[str, str], path: str, monkeypatch
) -> None:
    if path == "rotate-keys":
        app = another(settings.model_copy(update={"image_keys": {"new": bytes(32), **settings.image_keys}}))
    if path == "verify-store":
        store_of(app).put(b"left over")
        monkeypatch.setattr("webapp.maintenance.store.YOUNG", utcnow() - utcnow())
    before = len(events(app))
    arguments, action = CHANGING[path]
    status, output = run(app, path, arguments, given)
    assert status == 0, output
    new = events(app)[before:]
    assert action in [name for name, _after in new]
    if action == "record.changed":
        assert [after["by"] for _name, after in new if isinstance(after, dict)] == [path]
    assert run(app, "verify-records", [], given)[0] == 0


@pytest.mark.parametrize("path", REFUSED)
def test_a_command_that_would_go_past_the_rules_changes_nothing(app: Flask, given: dict[str, str], path: str) -> None:
    def people() -> list[tuple[object, ...]]:
        with app.app_context(), reading() as session:
            columns = [column for column in User.__table__.columns if column.name != "fs_uniquifier"]
            return [tuple(row) for row in session.execute(select(*columns).order_by(User.id))]

    before = people()
    assert run(app, path, REFUSED[path], given)[0] != 0
    with app.app_context():
        db.session.remove()
    assert people() == before
