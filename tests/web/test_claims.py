"""What becomes of a claim: handed back it decides nothing, run out it is swept away, alive it is left alone."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from tests.conftest import World
from tests.web.helpers import actions, stored_case
from tests.web.reading import decide, put_back, take
from tests.web_client import CheckedClient
from webapp.core.database import transaction
from webapp.models import CaseState, Claim, Role, utcnow
from webapp.review import claims
from webapp.review.claims import valid_claim


@pytest.fixture
def other(world: World, sign_in) -> CheckedClient:
    return sign_in(world.user(Role.DERMATOLOGIST, name="Test Other"))


def let_it_run_out(app: Flask) -> None:
    with app.app_context(), transaction() as session:
        session.execute(update(Claim).values(expires_at=utcnow() - timedelta(seconds=1)))


def sweep(app: Flask) -> None:
    with app.app_context(), transaction():
        claims.release_expired()


def test_who_has_handed_a_case_back_decides_nothing(app: Flask, world: World, gp: str, reader) -> None:
    """For example in another tab that still shows the form."""
    number = world.case(gp)
    world.analyse(number, 0.02)
    take(reader, number)
    put_back(reader, number)
    assert decide(reader, number).status_code == 409
    with stored_case(app, number) as case:
        assert (case.reviews, case.state) == ([], CaseState.AWAITING_REVIEW)


@pytest.mark.parametrize(("analysed", "state"), [(True, CaseState.AWAITING_REVIEW), (False, CaseState.SUBMITTED)])
def test_a_claim_that_ran_out_is_swept_away(
    app: Flask, world: World, gp: str, reader, analysed: bool, state: CaseState
) -> None:
    number = world.case(gp)
    if analysed:
        world.analyse(number, 0.02)
    take(reader, number)
    let_it_run_out(app)
    with stored_case(app, number) as case:
        assert valid_claim(case) is None, "others see it as free at once"
    sweep(app)
    with stored_case(app, number) as case:
        assert case.state is state
        assert case.claims[0].released_at == case.claims[0].expires_at
    sweep(app)
    assert actions(app).count("claim.expired") == 1


def test_a_living_claim_is_left_alone(app: Flask, world: World, gp: str, reader) -> None:
    number = world.case(gp)
    take(reader, number)
    sweep(app)
    with stored_case(app, number) as case:
        assert (case.state, case.claims[0].released_at) == (CaseState.IN_REVIEW, None)
        assert valid_claim(case) is not None
    assert decide(reader, number, management="biopsy").status_code == 302


def test_a_decision_ends_its_claim(app: Flask, world: World, gp: str, reader) -> None:
    number = world.case(gp)
    take(reader, number)
    decide(reader, number, management="biopsy")
    with stored_case(app, number) as case:
        assert case.claims[0].released_at == case.reviews[0].decided_at
    let_it_run_out(app)
    sweep(app)
    assert "claim.expired" not in actions(app)


def test_the_next_case_may_be_ones_own(world: World, gp: str, reader, other: CheckedClient) -> None:
    """Whoever holds the topmost case goes on with it; for everybody else it is taken."""
    first, second = world.case(gp), world.case(gp)
    take(reader, first)
    assert reader.submit("/review/next", page="/profile").location == f"/review/{first}"
    assert other.submit("/review/next", page="/profile").location == f"/review/{second}"


MISTAKES = [{"management": "reassure"}, {"diagnosis": ""}, {"management": "biopsy", "shown": "a0"}]
"""A reason is missing; a choice is missing; the model's suspicion has not been seen."""


@pytest.mark.parametrize("mistake", MISTAKES)
def test_what_the_form_promises_after_a_mistake_holds(
    app: Flask, world: World, gp: str, reader, other: CheckedClient, mistake: dict[str, str]
) -> None:
    """The claim had expired: nobody else gets the case while its reader types what was missing."""
    number = world.case(gp)
    world.analyse(number, 0.9)
    take(reader, number)
    let_it_run_out(app)
    answer = decide(reader, number, **mistake)
    assert answer.status_code == 422
    assert "Claimed by you until" in answer.text
    with stored_case(app, number) as case:
        held = valid_claim(case)
        assert held is not None
        assert f'datetime="{held.expires_at.isoformat(timespec="seconds")}"' in answer.text
    assert take(other, number).status_code == 409
    assert decide(reader, number, management="biopsy").status_code == 302


@pytest.mark.parametrize("form", [{}, {"diagnosis": ""}])
def test_an_expired_claim_that_a_colleague_has_by_now_is_lost(
    app: Flask, world: World, gp: str, reader, other: CheckedClient, form: dict[str, str]
) -> None:
    number = world.case(gp)
    take(reader, number)
    let_it_run_out(app)
    take(other, number)
    answer = decide(reader, number, advice="Typed words.", **form)
    assert answer.status_code == 409
    assert "Test Other has claimed it since" in answer.text
    assert "Typed words." in answer.text


def test_an_impression_that_was_refused_keeps_the_claim(app: Flask, world: World, gp: str, reader, other) -> None:
    reader.submit("/review/mode", {"blinded": "y"}, page="/profile")
    number = world.case(gp)
    take(reader, number)
    let_it_run_out(app)
    answer = reader.submit(f"/review/{number}/impression", {"diagnosis": "benign"}, page="/profile")
    assert answer.status_code == 422
    assert f"/review/{number}/impression" in answer.text, "the form can be sent again"
    assert take(other, number).status_code == 409
