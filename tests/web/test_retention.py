"""Retention: what ended long ago is erased, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import World
from tests.web.helpers import actions, change_case, stored_case
from tests.web.reading import decide, take
from tests.web.test_corrections import correct
from tests.web.test_patients import run
from webapp.core.config import Settings
from webapp.core.database import reading, transaction
from webapp.maintenance import erasure
from webapp.maintenance.patient_commands import years_before
from webapp.models import Case, CaseState, Role

LONG_AGO = datetime(2010, 5, 5, tzinfo=UTC)


@pytest.fixture
def old(app: Flask, settings: Settings) -> Flask:
    """The application with a retention of five years."""
    app.extensions["settings"] = settings.model_copy(update={"retention_years": 5})
    return app


def decided_long_ago(app: Flask, world: World, sign_in, gp: str, **changes: object) -> str:
    number = world.case(gp)
    world.analyse(number, 0.02)
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    decide(reader, number)
    change_case(app, number, submitted_at=LONG_AGO, **changes)
    with app.app_context(), transaction() as session:
        session.query(Case).filter_by(number=number).one().reviews[0].decided_at = LONG_AGO
    return number


def test_retention_erases_what_ended_long_ago_and_nothing_else(old, settings, world, sign_in, gp) -> None:
    gone = decided_long_ago(old, world, sign_in, gp)
    reopened = decided_long_ago(old, world, sign_in, gp)
    with old.app_context(), transaction() as session:
        session.query(Case).filter_by(number=reopened).one().move_to(CaseState.AWAITING_REVIEW)
    fresh_answer = world.case(gp)
    change_case(old, fresh_answer, submitted_at=LONG_AGO)
    recently_closed = decided_long_ago(old, world, sign_in, gp, closed_at=datetime.now(UTC))
    follower = world.case(gp)
    with stored_case(old, gone) as case:
        gone_id = case.id
    change_case(old, follower, follows_id=gone_id)

    status, output = run(old, "apply-retention", "--dry-run")
    assert (status, output.split()[:2]) == (0, [gone, "1"])
    with stored_case(old, gone):
        pass
    status, output = run(old, "apply-retention")
    assert (status, output.split()[:2]) == (0, [gone, "1"])
    assert "and have been erased" in output
    with old.app_context(), reading() as session:
        assert set(session.scalars(select(Case.number))) == {reopened, fresh_answer, recently_closed, follower}
    with stored_case(old, follower) as case:
        assert case.follows_id is None
    assert actions(old)[-1] == "retention.applied"
    assert run(old, "apply-retention")[1].startswith("0 cases")
    assert run(old, "verify-audit")[0] == run(old, "verify-store")[0] == 0


@pytest.mark.parametrize("later", ["review", "histology"])
def test_whatever_was_noted_later_keeps_the_case(old, world, sign_in, gp, later: str) -> None:
    number = decided_long_ago(old, world, sign_in, gp)
    if later == "review":
        with old.app_context(), transaction() as session:
            session.query(Case).filter_by(number=number).one().reviews[0].decided_at = datetime.now(UTC)
    else:
        client = sign_in(gp)
        client.submit(f"/histology/{number}", {"result": "benign", "remark": ""}, page=f"/cases/{number}")
    assert run(old, "apply-retention")[1].startswith("0 cases")


def test_a_case_that_was_opened_again_since_it_was_listed_is_kept(old, world, sign_in, gp) -> None:
    number = decided_long_ago(old, world, sign_in, gp)
    change_case(old, number, closed_at=datetime.now(UTC))
    with old.app_context():
        assert not erasure.apply_retention(number, datetime.now(UTC) - timedelta(days=1))
    with stored_case(old, number):
        pass


def test_a_later_lesion_follows_the_nearest_case_that_stays(old, world, sign_in, gp) -> None:
    first = world.case(gp)
    middle = decided_long_ago(old, world, sign_in, gp)
    last = world.case(gp)
    with stored_case(old, first) as case:
        first_id = case.id
    with stored_case(old, middle) as case:
        middle_id = case.id
    change_case(old, middle, follows_id=first_id)
    change_case(old, last, follows_id=middle_id)
    run(old, "apply-retention")
    with stored_case(old, last) as case:
        assert case.follows_id == first_id


def test_without_the_setting_everything_is_kept(app: Flask, world, sign_in, gp) -> None:
    number = decided_long_ago(app, world, sign_in, gp)
    assert run(app, "apply-retention") == (0, "RETENTION_YEARS is not set, so every case is kept.\n")
    with stored_case(app, number):
        pass


def test_years_are_years_of_the_calendar() -> None:
    assert years_before(datetime(2024, 2, 29, tzinfo=UTC), 1) == datetime(2023, 2, 28, tzinfo=UTC)
    assert years_before(datetime(2024, 5, 31, tzinfo=UTC), 10) == datetime(2014, 5, 31, tzinfo=UTC)


def test_the_last_case_that_retention_erases_takes_its_reference_from_the_corrections_of_others(
    old, world: World, sign_in, gp: str
) -> None:
    """Two cases of one patient, spelt differently; a case of another was once filed under that reference."""
    gone, later = decided_long_ago(old, world, sign_in, gp), world.case(gp, patient_reference="zz-4711")
    change_case(old, gone, patient_reference="ZZ-4711")
    misfiled = world.case(gp, patient_reference="Zz-4711")
    correct(sign_in(gp), misfiled, patient_reference="OTHER-1")
    assert run(old, "apply-retention")[0] == 0
    with stored_case(old, misfiled) as case:
        assert case.corrections[0].before == "Zz-4711", "the patient has another case"
    change_case(old, later, state="withdrawn", is_open=False, submitted_at=LONG_AGO)
    assert run(old, "apply-retention")[1].split()[0] == later
    with stored_case(old, misfiled) as case:
        assert case.corrections[0].before == "(erased)"
    assert run(old, "verify-records")[0] == 0
