"""Rows are sealed in the audit trail: what somebody changes, removes or adds behind the program's back is named."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from tests.conftest import World
from tests.web.reading import decide, take
from webapp.core.database import reading, transaction
from webapp.core.extensions import db
from webapp.models import Role, User


def verify(app: Flask, *options: str) -> tuple[int, str]:
    result = app.test_cli_runner().invoke(args=["verify-records", *options])
    return result.exit_code, result.output


def behind_the_back(app: Flask, *statements: str) -> None:
    """Raw SQL, as anybody with the database's password could run; no foreign key and no trigger is asked."""
    with app.app_context(), db.engine.connect() as connection:
        sqlite = db.engine.dialect.name == "sqlite"
        driver: Any = connection.connection.driver_connection
        if sqlite:
            driver.execute("PRAGMA foreign_keys=OFF")  # only outside a transaction
            statements = ("DROP TRIGGER IF EXISTS audit_event_no_update", *statements)
        else:
            statements = ("SET LOCAL session_replication_role = replica", *statements)
        with connection.begin():
            for statement in statements:
                connection.exec_driver_sql(statement)
        if sqlite:
            driver.execute("PRAGMA foreign_keys=ON")


def one(app: Flask, statement: str) -> int:
    with app.app_context(), reading() as session:
        return int(session.execute(text(statement)).scalar_one())


@pytest.fixture
def number(world: World, sign_in) -> str:
    """A case that is decided, beside another that waits."""
    gp = world.user(Role.GP)
    number, other = world.case(gp, images=2), world.case(gp)
    world.analyse(number, 0.9)
    world.analyse(other, 0.8)
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    decide(reader, number, diagnosis="bcc", management="biopsy")
    return number


@pytest.mark.usefixtures("number")
def test_what_the_program_wrote_is_whole(app: Flask) -> None:
    status, output = verify(app)
    assert (status, output.strip()) == (0, "Every record is as the program left it.")


FORGERIES = {
    "a decision changed": (
        "UPDATE review SET management = 'reassure'",
        r"Decision \d+ \(case DT-\w+\): its content was changed since event \d+ sealed it\.",
    ),
    "a decision deleted": (
        "DELETE FROM review",
        r"Decision \d+ was removed\. Event \d+ sealed it, and no event tells of its removal\.",
    ),
    "a reviewer swapped": (
        "UPDATE review SET reviewer_id = (SELECT min(id) FROM user_account)",
        r"Decision \d+ \(case DT-\w+\): its content was changed",
    ),
    "a case sunk": (
        "UPDATE case_file SET rank = 4.99 WHERE is_open",
        r"Case record \d+ \(case DT-\w+\): its place in the worklist was changed",
    ),
    "a case closed": (
        "UPDATE case_file SET is_open = (1 = 0), state = 'withdrawn' WHERE is_open",
        r"Case record \d+ \(case DT-\w+\): its state was changed",
    ),
    "a case of another patient": (
        "UPDATE case_file SET patient_reference = 'OTHER'",
        r"Case record \d+ \(case DT-\w+\): its patient reference was changed",
    ),
    "a GP made administrator": (
        "UPDATE user_account SET role = 'admin' WHERE role = 'gp'",
        r"Account \d+: its role was changed since event \d+ sealed it\.",
    ),
    "a password replaced": (
        "UPDATE user_account SET password = 'x' WHERE role = 'gp'",
        r"Account \d+: its sign-in was changed",
    ),
    "a result changed": (
        "UPDATE analysis SET bcc_probability = 0.01",
        r"Model result \d+ \(case DT-\w+\): its result was changed",
    ),
    "a result put out of force": (
        "UPDATE analysis SET state = 'superseded'",
        r"Model result \d+ \(case DT-\w+\): its state was changed",
    ),
    "a finding removed": ("DELETE FROM finding WHERE target = 'BCC'", r"Model finding \d+ was removed"),
    "a threshold moved": ("UPDATE model_version SET card = '{}'", r"Model version \d+: its content was changed"),
    "a decision added": (
        "INSERT INTO review (id, case_id, reviewer_id, diagnosis, management, advice, override_reason, decided_at, "
        "amendment_reason, model_wrong) SELECT 99, case_id, reviewer_id, diagnosis, 'reassure', advice, "
        "override_reason, decided_at, amendment_reason, model_wrong FROM review",
        r"Decision 99 \(case DT-\w+\) was added: no event tells of it\.",
    ),
    "an image exchanged": (
        "UPDATE image SET sha256 = 'x' WHERE position = 1",
        r"Image record \d+ \(case DT-\w+\): its content was changed",
    ),
}


@pytest.mark.control("H9.2")
@pytest.mark.usefixtures("number")
@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forgery_is_named(app: Flask, forgery: str) -> None:
    statement, said = FORGERIES[forgery]
    behind_the_back(app, statement)
    status, output = verify(app)
    assert status == 1
    assert re.search(said, output), output
    assert "TEST-1" not in output, "no patient reference"


@pytest.mark.control("H9.2")
def test_a_later_change_by_the_program_hides_no_forgery(app: Flask, world: World) -> None:
    """The role was forged; then its owner changes the password, which seals that part of the account anew."""
    gp = world.user(Role.GP)
    behind_the_back(app, f"UPDATE user_account SET role = 'admin' WHERE email = '{gp}'")
    with app.app_context(), transaction() as session:
        session.query(User).filter_by(email=gp).one().password = "another"
    status, output = verify(app)
    assert status == 1
    assert re.findall(r"its (.+) was changed", output) == ["role"]


@pytest.mark.usefixtures("number")
def test_two_rows_that_change_places_are_found(app: Flask) -> None:
    ids = [one(app, f"SELECT {which}(id) FROM case_file") for which in ("min", "max")]
    moves = ((ids[0], 9999), (ids[1], ids[0]), (9999, ids[1]))
    behind_the_back(app, *(f"UPDATE case_file SET id = {new} WHERE id = {old}" for old, new in moves))
    status, output = verify(app)
    assert status == 1
    assert all(f"Case record {each} " in output for each in ids)


@pytest.mark.usefixtures("number")
def test_a_key_twice_in_one_text_is_refused(app: Flask) -> None:
    """Each reader of such a text may take another of the values."""
    said = '{"needs_person": false, "needs_person": true}'
    behind_the_back(app, f"UPDATE audit_event SET after = '{said}' WHERE action = 'analysis.done'")
    behind_the_back(app, """UPDATE analysis SET lesion = '{"bcc": 0.9, "nv": 0.5, "bcc": 0.9}'""")
    status, output = verify(app)
    assert status == 1
    assert re.search(r"event \d+: the key 'needs_person' occurs twice", output)
    assert re.search(r"Model result \d+ \(case DT-\w+\) was changed: the key 'bcc' occurs twice\.", output)


@pytest.mark.usefixtures("number")
def test_with_another_key_nothing_is_whole(app: Flask, settings, another: Callable[..., Flask]) -> None:
    forger = another(settings.model_copy(update={"audit_key": b"another key of at least 32 characters"}))
    status, output = verify(forger)
    assert status == 1
    assert "more. Check that AUDIT_KEY is the key" in output
