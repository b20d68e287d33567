"""The clock jumps by a day, forwards or backwards: no case is lost or claimed twice, no analysis waits for long."""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.conftest import World, make_settings
from tests.faults.working import assert_analysed_once, sweep, targets_of, waiting, work_off
from tests.unit.work import analysis_ids, change, stored, stored_case
from tests.web.helpers import words
from tests.web.reading import decide, take, take_over
from webapp.analysis import leases
from webapp.core import orm as base
from webapp.core.config import Settings
from webapp.core.database import reading, transaction
from webapp.models import AnalysisState, CaseState, Claim, FailureReason, Role, utcnow
from webapp.review import claims

DAY = timedelta(days=1)
JUMPS = pytest.mark.parametrize("jump", [DAY, -DAY], ids=["forwards", "backwards"])
Jump = Callable[[timedelta], None]


@pytest.fixture
def settings(instance: Path) -> Settings:
    """A clock that jumps signs nobody out here: that has its own tests."""
    return make_settings(instance, idle_minutes=10_000, session_hours=10_000)


@pytest.fixture
def clock(monkeypatch) -> Jump:
    """Sets the program's clock to that much from now."""

    def jump(by: timedelta) -> None:
        class Clock:
            @staticmethod
            def now(tz: tzinfo | None = None) -> datetime:
                return datetime.now(tz) + by

        monkeypatch.setattr(base, "datetime", Clock)

    return jump


@JUMPS
def test_an_analysis_whose_worker_died_before_the_jump(app: Flask, world: World, clock: Jump, jump: timedelta) -> None:
    number = world.case(world.user(Role.GP))
    (analysis_id,) = analysis_ids(app, number)
    with app.app_context(), transaction():
        assert leases.take(analysis_id, "dead")
    clock(jump)
    assert sweep(app) == 1
    clock(jump + timedelta(minutes=1))  # what was delayed is now due
    with app.app_context(), transaction():
        assert leases.take(analysis_id, "second")
        assert not leases.renew(analysis_id, "dead")


@JUMPS
def test_a_living_worker_keeps_its_lease_with_the_next_heartbeat(
    app: Flask, world: World, clock: Jump, jump: timedelta
) -> None:
    (analysis_id,) = analysis_ids(app, world.case(world.user(Role.GP)))
    with app.app_context(), transaction():
        assert leases.take(analysis_id, "owner")
    clock(jump)
    with app.app_context(), transaction():
        assert leases.renew(analysis_id, "owner")
    assert sweep(app) == 0
    with app.app_context(), transaction():
        assert not leases.take(analysis_id, "second"), "nobody else can have it meanwhile"
    with stored(app, analysis_id) as analysis:
        assert (analysis.state, analysis.lease_owner) == (AnalysisState.RUNNING, "owner")


@JUMPS
def test_a_message_that_got_lost_before_the_jump(app: Flask, world: World, clock: Jump, jump: timedelta) -> None:
    number = world.case(world.user(Role.GP))
    app.extensions["queue"].huey.flush()
    clock(jump)
    assert sweep(app) == 1
    work_off(app)
    assert not waiting(app)
    assert_analysed_once(app, number, 1, targets_of(app))


@JUMPS
def test_a_failure_without_a_model_before_the_jump(app: Flask, world: World, clock: Jump, jump: timedelta) -> None:
    (analysis_id,) = analysis_ids(app, world.case(world.user(Role.GP)))
    app.extensions["queue"].huey.flush()
    failed = {"state": AnalysisState.FAILED, "failure": FailureReason.MODEL_UNAVAILABLE}
    change(app, analysis_id, **failed, finished_at=utcnow())
    assert sweep(app) == 0
    clock(jump)
    assert sweep(app) == 1


@JUMPS
def test_a_case_that_was_being_read(app: Flask, world: World, sign_in, clock: Jump, jump: timedelta) -> None:
    """One reader holds it before and after; a colleague can claim it properly, and the first is told when deciding."""
    number = world.case(world.user(Role.GP))
    world.analyse(number)
    first, second = sign_in(world.user(Role.DERMATOLOGIST)), sign_in(world.user(Role.DERMATOLOGIST, "Dr Second"))
    take(first, number)
    clock(jump)
    with app.app_context(), transaction():
        claims.release_expired()
    taken = take(second, number)
    if taken.status_code == 409:
        taken = take_over(second, number)
    assert taken.status_code == 302
    assert held_claims(app) == 1
    late = decide(first, number)
    assert late.status_code == 409
    assert "Dr Second" in words(late.text)
    assert decide(second, number).status_code == 302
    with stored_case(app, number) as case:
        assert (case.state, len(case.reviews)) == (CaseState.REVIEWED, 1)


def held_claims(app: Flask) -> int:
    with app.app_context(), reading() as session:
        return session.scalar(select(func.count()).select_from(Claim).where(Claim.released_at.is_(None))) or 0


@JUMPS
def test_the_reader_goes_on_after_the_jump(app: Flask, world: World, sign_in, clock: Jump, jump: timedelta) -> None:
    number = world.case(world.user(Role.GP))
    world.analyse(number)
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    clock(jump)
    with app.app_context(), transaction():
        claims.release_expired()
    assert decide(reader, number).status_code == 302
    with stored_case(app, number) as case:
        assert case.state is CaseState.REVIEWED


@JUMPS
def test_a_decision_to_take_back(app: Flask, world: World, sign_in, clock: Jump, jump: timedelta) -> None:
    """Forwards, the time is up and the decision stays in force; backwards, there is more time."""
    number = world.case(world.user(Role.GP))
    world.analyse(number)
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    decide(reader, number)
    clock(jump)
    with stored_case(app, number) as case:
        seen = case.reviews[0].id
    assert reader.submit(f"/review/{number}/undo", {"seen": str(seen)}, page="/profile").status_code == 302
    with stored_case(app, number) as case:
        in_force = jump == DAY
        assert case.state is (CaseState.REVIEWED if in_force else CaseState.IN_REVIEW)
        assert (case.standing_review is not None) == in_force
        assert len(case.reviews) == 1
    assert held_claims(app) == (0 if in_force else 1)
