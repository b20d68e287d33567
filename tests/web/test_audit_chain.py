"""The audit trail can only grow: triggers refuse a change, and the chain reveals one made without them."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.conftest import World
from tests.patience import PATIENCE
from tests.web.helpers import actions
from webapp import audit
from webapp.audit import trail
from webapp.audit.chain import GENESIS, digest_of
from webapp.core.config import Settings
from webapp.core.database import reading, transaction
from webapp.core.extensions import db
from webapp.models import Role, User

NOTES = 3
EVENTS = 2 + NOTES


@pytest.fixture
def someone(app: Flask, world: World) -> str:
    """An account with five audit events: two from creating the centre and the account, three from changing it."""
    email = world.user(Role.GP)
    for number in range(NOTES):
        note(app, email, number)
    return email


def note(app: Flask, email: str, number: int) -> None:
    with app.app_context(), transaction() as session:
        user = session.query(User).filter_by(email=email).one()
        audit.record(user, "account.changed", user, before={"n": number, "x": "é"}, after={"n": number + 1, "x": None})


def verify(app: Flask, *options: str) -> tuple[int, str]:
    """Exit status and output of the command."""
    result = app.test_cli_runner().invoke(args=["verify-audit", *options])
    return result.exit_code, result.output


def head_of(app: Flask) -> str:
    status, output = verify(app)
    assert status == 0, output
    return output.split()[-1]


def behind_the_back(app: Flask, *statements: str) -> None:
    """Raw SQL with the triggers removed, as anybody with the database's password could run."""
    with app.app_context(), db.engine.begin() as connection:
        if db.engine.dialect.name == "sqlite":
            connection.exec_driver_sql("DROP TRIGGER audit_event_no_update")
            connection.exec_driver_sql("DROP TRIGGER audit_event_no_delete")
        else:
            connection.exec_driver_sql("ALTER TABLE audit_event DISABLE TRIGGER audit_event_append_only")
        for statement in statements:
            connection.exec_driver_sql(statement)
        if db.engine.dialect.name != "sqlite":
            connection.exec_driver_sql("ALTER TABLE audit_event ENABLE TRIGGER audit_event_append_only")


@pytest.mark.usefixtures("someone")
def test_a_whole_trail_and_its_head(app: Flask) -> None:
    status, output = verify(app)
    assert status == 0
    assert f"{EVENTS} events" in output
    assert head_of(app).startswith(f"{EVENTS}:")


def test_an_empty_trail_is_whole(app: Flask) -> None:
    assert head_of(app) == f"0:{GENESIS}"


@pytest.mark.usefixtures("someone")
@pytest.mark.parametrize("statement", ["UPDATE audit_event SET action = 'x' WHERE id = 2", "DELETE FROM audit_event"])
def test_the_database_refuses_changes(app: Flask, statement: str) -> None:
    with app.app_context(), transaction() as session, pytest.raises(DBAPIError, match="append-only"):
        session.execute(text(statement))
    assert verify(app)[0] == 0


COLUMNS = "action, subject_type, subject_id, at, actor_id, before, after, digest"
MANIPULATIONS = {
    "action changed": ("UPDATE audit_event SET action = 'case.closed' WHERE id = 3", "event 3:"),
    "time changed": ("UPDATE audit_event SET at = '2020-01-01 00:00:00.000000' WHERE id = 3", "event 3:"),
    "actor changed": ("UPDATE audit_event SET actor_id = NULL WHERE id = 3", "event 3:"),
    "subject changed": ("UPDATE audit_event SET subject_id = '99' WHERE id = 3", "event 3:"),
    "kind changed": ("UPDATE audit_event SET subject_type = 'image' WHERE id = 3", "event 3:"),
    "details changed": ("UPDATE audit_event SET after = '{\"n\": 77}' WHERE id = 3", "event 3:"),
    "former details changed": ("UPDATE audit_event SET before = '{\"n\": 77}' WHERE id = 3", "event 3:"),
    "seals changed": ("UPDATE audit_event SET seals = '{\"review:1\": null}' WHERE id = 1", "event 1:"),
    "seals removed": ("UPDATE audit_event SET seals = NULL WHERE id = 2", "event 2:"),
    "seals added": ("UPDATE audit_event SET seals = '{}' WHERE id = 3", "event 3:"),
    "digest changed": (f"UPDATE audit_event SET digest = '{GENESIS}' WHERE id = 3", "event 3:"),
    "first removed": ("DELETE FROM audit_event WHERE id = 1", "event 2:"),
    "one removed": ("DELETE FROM audit_event WHERE id = 3", "event 4:"),
    "last removed": ("DELETE FROM audit_event WHERE id = 5", "after event 4:"),
    "all removed": ("DELETE FROM audit_event", "after event 0:"),
    "one added": (
        f"INSERT INTO audit_event (id, {COLUMNS}) SELECT 6, {COLUMNS} FROM audit_event WHERE id = 5",
        "event 6:",
    ),
    "head changed": ("UPDATE audit_head SET count = 4", "after event 5:"),
}


@pytest.mark.control("H9.1")
@pytest.mark.usefixtures("someone")
@pytest.mark.parametrize("manipulation", MANIPULATIONS)
def test_a_manipulation_is_found_and_placed(app: Flask, manipulation: str) -> None:
    statement, place = MANIPULATIONS[manipulation]
    behind_the_back(app, statement)
    status, output = verify(app)
    assert status == 1
    assert place in output
    assert "not intact" in output


@pytest.mark.usefixtures("someone")
def test_two_events_that_change_places_are_found(app: Flask) -> None:
    moves = ((99, 2), (2, 4), (4, 99))
    behind_the_back(app, *(f"UPDATE audit_event SET id = {new} WHERE id = {old}" for new, old in moves))
    status, output = verify(app)
    assert status == 1
    assert all(f"event {number}:" in output for number in (2, 3, 4, 5))


@pytest.mark.control("H9.1")
@pytest.mark.usefixtures("someone")
def test_an_end_that_was_cut_off_cleanly_is_found_with_a_head_noted_elsewhere(app: Flask) -> None:
    noted = head_of(app)
    behind_the_back(
        app,
        "DELETE FROM audit_event WHERE id = 5",
        "UPDATE audit_head SET count = 4, last_id = 4, digest = (SELECT digest FROM audit_event WHERE id = 4)",
    )
    assert verify(app)[0] == 0, "nothing in the database itself tells"
    status, output = verify(app, "--expect", noted)
    assert status == 1
    assert "recorded elsewhere" in output


def test_an_older_head_belongs_to_a_trail_that_has_grown(app: Flask, someone: str) -> None:
    noted = head_of(app)
    note(app, someone, 7)
    assert verify(app, "--expect", noted)[0] == 0
    assert verify(app, "--expect", f"0:{GENESIS}")[0] == 0
    assert verify(app, "--expect", "nonsense")[0] == 2


def anchor(app: Flask, file: Path) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["audit-head", "--append", str(file)])
    return result.exit_code, result.output


@pytest.mark.control("H9.1")
def test_heads_kept_in_a_file_elsewhere_are_all_part_of_the_trail(app: Flask, someone: str, tmp_path: Path) -> None:
    heads = tmp_path / "heads"
    for number in range(3):
        assert anchor(app, heads) == (0, f"{heads.read_text().splitlines()[-1]}\n")
        note(app, someone, number)
    assert len(heads.read_text().splitlines()) == 3
    for command in ("verify-audit", "verify-records"):
        assert app.test_cli_runner().invoke(args=[command, "--expect-file", str(heads)]).exit_code == 0
    behind_the_back(
        app,
        f"DELETE FROM audit_event WHERE id > {EVENTS}",
        f"UPDATE audit_head SET count = {EVENTS}, last_id = {EVENTS}, "
        f"digest = (SELECT digest FROM audit_event WHERE id = {EVENTS})",
    )
    assert verify(app)[0] == 0, "nothing in the database itself tells"
    for command in ("verify-audit", "verify-records"):
        result = app.test_cli_runner().invoke(args=[command, "--expect-file", str(heads)])
        assert (result.exit_code, result.output.count("recorded elsewhere")) == (1, 2)


@pytest.mark.usefixtures("someone")
def test_a_head_that_cannot_be_kept_is_an_error(app: Flask, tmp_path: Path) -> None:
    status, output = anchor(app, tmp_path / "no folder" / "heads")
    assert (status, "could not be written" in output) == (1, True)
    result = app.test_cli_runner().invoke(args=["audit-head", "--mail", "safety@hospital.example"])
    assert (result.exit_code, "MAIL_URL is not set" in result.output) == (1, True)
    (tmp_path / "heads").write_text("2026-11-28T00:00:00Z nonsense\n")
    assert verify(app, "--expect-file", str(tmp_path / "heads"))[0] == 2


def test_a_head_is_mailed(app: Flask, settings: Settings, another, someone: str, monkeypatch) -> None:
    sent: list[tuple[str, str]] = []
    monkeypatch.setattr("webapp.core.mail.send", lambda _settings, to, _subject, text: sent.append((to, text)))
    mailing = another(settings.model_copy(update={"mail_url": "smtp://localhost", "mail_from": "t@h.example"}))
    result = mailing.test_cli_runner().invoke(args=["audit-head", "--mail", "safety@hospital.example"])
    assert (result.exit_code, sent) == (0, [("safety@hospital.example", result.output)])
    assert verify(app, "--expect", result.output.split()[-1])[0] == 0


def test_the_head_is_told_to_the_log(app: Flask, someone: str, caplog) -> None:
    caplog.set_level("INFO", "webapp.audit.trail")
    with app.app_context(), reading():
        trail.tell_head()
    noted = caplog.messages[-1].removeprefix("audit head ")
    note(app, someone, 7)
    assert verify(app, "--expect", noted)[0] == 0


@pytest.mark.usefixtures("someone")
def test_without_the_key_nobody_can_chain(settings: Settings, another) -> None:
    status, output = verify(
        another(settings.model_copy(update={"audit_key": b"another key of at least 32 characters"}))
    )
    assert status == 1
    assert "event 1:" in output


def test_what_a_savepoint_took_back_is_not_noted(app: Flask, someone: str) -> None:
    with app.app_context(), transaction() as session:
        user = session.query(User).filter_by(email=someone).one()
        audit.record(user, "account.enabled", user)
        outer = session.begin_nested()
        audit.record(user, "account.disabled", user)
        with session.begin_nested():
            audit.record(user, "account.disabled", user)
        outer.rollback()
        with session.begin_nested():
            audit.record(user, "account.invited", user)
    assert actions(app)[NOTES:] == ["account.enabled", "account.invited"]
    assert verify(app)[0] == 0


@pytest.mark.parametrize("end", ["rollback", "close"])
def test_what_failed_is_not_noted_by_the_next_transaction(app: Flask, someone: str, end: str) -> None:
    with app.app_context():
        session = db.session()
        user = session.query(User).filter_by(email=someone).one()
        audit.record(user, "account.disabled", user)
        getattr(session, end)()
        user = session.query(User).filter_by(email=someone).one()
        audit.record(user, "account.enabled", user)
        session.commit()
    assert actions(app)[NOTES:] == ["account.enabled"]


def together(writers: int, work: Callable[[int], None]) -> None:
    start, failures = threading.Barrier(writers), []

    def run(number: int) -> None:
        try:
            start.wait(PATIENCE)
            work(number)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert failures == []


def test_writers_at_the_same_time_make_one_chain(app: Flask, world: World) -> None:
    people = [world.user(Role.GP) for _ in range(4)]

    def work(number: int) -> None:
        for turn in range(10):
            note(app, people[number], turn)

    together(len(people), work)
    assert len(actions(app)) == 40
    assert head_of(app).startswith("45:")


def test_somebody_who_locks_an_account_and_somebody_who_notes_it_do_not_wait_for_each_other(
    app: Flask, world: World
) -> None:
    """The event's row locks its actor: if that happened while the chain is locked, these two would deadlock."""
    actor = world.user(Role.ADMIN)

    def work(number: int) -> None:
        for _ in range(20):
            with app.app_context(), transaction() as session:
                query = session.query(User).filter_by(email=actor)
                user = (query.with_for_update() if number % 2 else query).one()
                audit.record(user, "account.changed", user)

    together(4, work)
    assert head_of(app).startswith("81:")


def test_the_migration_chains_the_events_that_exist(app: Flask, someone: str) -> None:
    """With a gap in the ids, as left by a rollback."""
    with app.app_context():
        downgrade(revision="0009")
        with db.engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM audit_event WHERE id = 2")
        upgrade()
    sealed = 2  # a later migration seals centre and account
    assert head_of(app).startswith(f"{EVENTS - 1 + sealed}:")
    note(app, someone, 0)
    assert head_of(app).startswith(f"{EVENTS + sealed}:")
    with app.app_context(), reading() as session:
        ids = session.execute(text("SELECT id FROM audit_event ORDER BY id")).scalars().all()
    assert ids == [1, 3, 4, 5, 6, 7, 8]


def test_a_digest_covers_the_one_before() -> None:
    event = dict.fromkeys(("id", "at", "actor_id", "action", "subject_type", "subject_id", "before", "after"))
    assert digest_of(b"key", GENESIS, event) != digest_of(b"key", "1" * 64, event)
