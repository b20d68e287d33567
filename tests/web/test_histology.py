"""Histology results: entered later by GP or dermatologist, corrected by a new row, never part of the decision."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import actions, counted_queries, stored_case, words
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp.models import CaseState, HistologyResult, Role

TODAY = datetime.now(UTC).date()


@pytest.fixture
def gp_email(world: World) -> str:
    return world.user(Role.GP, name="Test GP")


@pytest.fixture
def gp(gp_email: str, sign_in) -> CheckedClient:
    return sign_in(gp_email)


@pytest.fixture
def number(world: World, gp_email: str, reader) -> str:
    """A case with a decision: benign, routine clinic."""
    number = world.case(gp_email)
    world.analyse(number, 0.02)
    take(reader, number)
    assert decide(reader, number, management="biopsy").status_code == 302
    return number


def enter(client: CheckedClient, number: str, **changes: object):
    form = {"result": "benign", "reported_on": "2026-01-31", "remark": "Dermal <naevus>.", **changes}
    return client.submit(f"/histology/{number}", form, page="/profile")


def results(app: Flask, number: str) -> list[HistologyResult]:
    with stored_case(app, number) as case:
        return [histology.result for histology in case.histologies]


def test_the_gp_enters_it_and_both_read_it(app: Flask, gp, reader, number: str) -> None:
    assert "Add histology result" in gp.get(f"/cases/{number}").text
    assert enter(gp, number).location == f"/cases/{number}"
    for client, path in ((gp, f"/cases/{number}"), (reader, f"/review/{number}")):
        page = words(client.get(path).text)
        assert "Histology Benign lesion Dermal &lt;naevus&gt;. Reported 31 Jan 2026. Entered by Test GP" in page
        assert "Correct histology result" in page
    assert actions(app)[-1] == "histology.entered"


def test_the_dermatologist_enters_it_and_the_decision_stays(app: Flask, reader, number: str) -> None:
    assert enter(reader, number, reported_on="", remark="").location == f"/review/{number}"
    with stored_case(app, number) as case:
        assert (case.state, len(case.reviews), case.bcc_probability) == (CaseState.REVIEWED, 1, 0.02)
        assert case.histology is not None
        assert (case.histology.reported_on, case.histology.remark) == (None, "")


def test_a_correction_is_a_new_row_and_says_so(app: Flask, gp, reader, number: str) -> None:
    enter(gp, number)
    enter(reader, number, result="premalignant")
    assert results(app, number) == [HistologyResult.BENIGN, HistologyResult.PREMALIGNANT]
    page = words(gp.get(f"/cases/{number}").text)
    assert "Precancerous lesion (for example actinic keratosis)" in page
    assert "Previously: Benign lesion (Test GP" in page


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"result": ""}, "Choose a result"),
        ({"result": "flu"}, "Not a valid choice"),
        ({"reported_on": "31 January"}, "Not a valid date"),
        ({"reported_on": str(TODAY + timedelta(days=2))}, "not in the future"),
        ({"reported_on": "0001-01-01"}, "not in the future"),
        ({"remark": "x" * 2001}, "under 2,000"),
    ],
)
def test_a_mistake_keeps_the_rest(app: Flask, gp, number: str, wrong: dict, message: str) -> None:
    refused = enter(gp, number, **wrong)
    assert refused.status_code == 422
    assert message in refused.text
    if "remark" not in wrong:
        assert "Dermal &lt;naevus&gt;." in refused.text
    assert results(app, number) == []


def test_only_for_a_decided_case(app: Flask, world: World, gp, gp_email: str, reader) -> None:
    undecided = world.case(gp_email)
    assert gp.get(f"/histology/{undecided}").status_code == 409
    assert enter(reader, undecided).status_code == 409
    assert results(app, undecided) == []
    assert "histology" not in gp.get(f"/cases/{undecided}").text


def test_another_centres_case_does_not_exist(app: Flask, world: World, sign_in, number: str) -> None:
    stranger = sign_in(world.user(Role.GP, centre="Test Centre B"))
    assert stranger.get(f"/histology/{number}").status_code == 404
    assert enter(stranger, number).status_code == 404
    assert results(app, number) == []


def test_the_number_of_queries_does_not_grow_with_the_results(app: Flask, gp, reader, number: str) -> None:
    def queries(client: CheckedClient, path: str) -> int:
        with counted_queries(app) as statements:
            assert client.get(path).status_code == 200
        return len(statements)

    pages = [(gp, f"/cases/{number}"), (reader, f"/review/{number}")]
    enter(gp, number)
    gp.get(f"/cases/{number}")  # the first view writes the receipt
    before = [queries(*page) for page in pages]
    for _ in range(4):
        enter(gp, number)
    assert [queries(*page) for page in pages] == before
