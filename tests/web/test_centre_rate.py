"""A centre's own rate of BCC shifts the probability that pages show, and nothing else."""

import pytest
from flask import Flask

from tests.cards import card, entry, former_card
from tests.conftest import World
from tests.web.helpers import actions, centre_id, stored_case, words
from tests.web.reading import take
from tests.web.test_worklist import leads, rows
from tests.web_client import CheckedClient
from webapp.analysis.cards import at_centre_rate
from webapp.core.database import reading, transaction
from webapp.models import Analysis, AnalysisState, AuditEvent, Centre, ModelVersion, Role


def analysis(probability: float | None, prior: float = 0.5, **facts: object) -> Analysis:
    version = ModelVersion(name="test", weights_sha256="0" * 64, card=card(entry("BCC", prior=prior)))
    return Analysis(state=AnalysisState.DONE, bcc_probability=probability, model_version=version, **facts)


@pytest.mark.parametrize(
    ("prior", "rate", "expected"),
    [
        (0.5, 0.1, 0.62 * 0.2 / (0.62 * 0.2 + 0.38 * 1.8)),  # rarer than the model was fitted on
        (0.1, 0.5, 0.62 * 5 / (0.62 * 5 + 0.38 * 5 / 9)),  # more frequent
        (0.5, 0.5, 0.62),
    ],
)
def test_by_bayes_rule_in_both_directions(prior: float, rate: float, expected: float) -> None:
    assert at_centre_rate(analysis(0.62, prior), rate) == pytest.approx(expected)


def test_without_a_rate_a_probability_or_a_card_that_says_its_own_nothing_is_shifted() -> None:
    assert at_centre_rate(analysis(0.62), None) is None
    assert at_centre_rate(analysis(None), 0.1) is None
    assert at_centre_rate(analysis(float("nan")), 0.1) is None
    former = analysis(0.62)
    former.model_version = ModelVersion(name="test", weights_sha256="0" * 64, card=former_card())
    assert at_centre_rate(former, 0.1) is None


def set_rate(app: Flask, rate: float | None, centre: str = "Test Centre A") -> None:
    with app.app_context(), transaction() as session:
        session.query(Centre).filter_by(name=centre).one().bcc_rate = rate


def test_the_case_has_one_number_for_bcc_and_the_rates_own_on_demand(app: Flask, world: World, gp: str, reader) -> None:
    number = world.case(gp)
    world.analyse(number, 0.3)
    set_rate(app, 0.02)
    take(reader, number)
    page = words(reader.get(f"/review/{number}").text)
    at_once, evidence = page.split("this rests on", 1)
    assert "BCC 30 % suspected (threshold 10.0 %)" in at_once
    assert "&lt; 1 %" not in at_once.replace("Melanoma &lt; 1 %", "").replace("SCC &lt; 1 %", "")
    assert "At Test Centre A's own rate of 2 % the probability of BCC would be &lt; 1 %" in evidence
    assert (
        "holds where 50 % of images are BCC, as in the model's data; it alone is compared with the threshold"
        in evidence
    )
    assert "BCC 30 % BCC &lt; 1 % at the centre&#39;s rate of 2 %" in words(reader.get("/review/").text)


def test_neither_the_place_nor_the_verdict_changes(app: Flask, world: World, gp: str, reader) -> None:
    here, there = world.case(gp), world.case(world.user(Role.GP, centre="Test Centre B"))
    world.analyse(here, 0.3)
    world.analyse(there, 0.2)
    with stored_case(app, here) as case:
        before = case.rank, case.bcc_probability
    set_rate(app, 0.01)
    set_rate(app, 0.9, "Test Centre B")
    world.refresh(here)
    world.refresh(there)
    with stored_case(app, here) as case:
        assert (case.rank, case.bcc_probability) == before
    assert rows(reader.get("/review/").text) == [here, there]
    assert leads(reader.get("/review/").text)[0] == ("BCC 30 %", "BCC &lt; 1 % at the centre&#39;s rate of 1 %")


def test_a_centre_without_a_rate_shows_one_probability(world: World, gp: str, reader) -> None:
    number = world.case(gp)
    world.analyse(number, 0.3)
    take(reader, number)
    for path in ("/review/", f"/review/{number}"):
        assert "rate" not in words(reader.get(path).text).replace("calibrated", "")


def page_of(app: Flask) -> str:
    return f"/admin/centres/{centre_id(app, 'Test Centre')}"


@pytest.fixture
def added(app: Flask, admin: CheckedClient) -> str:
    admin.submit("/admin/centres/new", {"name": "Test Centre"})
    return page_of(app)


def rate_of(app: Flask) -> float | None:
    with app.app_context(), reading() as session:
        return session.query(Centre).filter_by(name="Test Centre").one().bcc_rate


@pytest.mark.parametrize("typed", ["10", "10.0", "10,0", " 10 %"])
def test_the_administrator_sets_it_and_takes_it_away(app: Flask, admin: CheckedClient, added: str, typed: str) -> None:
    form = {"name": "Test Centre", "active": "y"}
    assert admin.submit(added, form | {"bcc_percent": typed}).status_code == 302
    assert rate_of(app) == pytest.approx(0.1)
    assert 'value="10' in admin.get(added).text
    assert '<td data-label="Own BCC rate">10 %</td>' in admin.get("/admin/centres").text
    assert admin.submit(added, form | {"bcc_percent": ""}).status_code == 302
    assert rate_of(app) is None
    assert actions(app) == ["centre.added", "centre.changed", "centre.changed"]
    with app.app_context(), reading() as session:
        events = session.query(AuditEvent).filter_by(action="centre.changed").order_by(AuditEvent.id)
        assert [(event.before["bcc_rate"], event.after["bcc_rate"]) for event in events] == [(None, 0.1), (0.1, None)]


def test_it_can_be_set_with_a_new_centre(app: Flask, admin: CheckedClient) -> None:
    assert admin.submit("/admin/centres/new", {"name": "Test Centre", "bcc_percent": "12.5"}).status_code == 302
    assert rate_of(app) == 0.125


@pytest.mark.parametrize("typed", ["0", "100", "-1", "101", "nan", "inf", "x", "10 of 100"])
def test_a_wrong_rate_is_explained_and_kept(app: Flask, admin: CheckedClient, added: str, typed: str) -> None:
    answer = admin.submit(added, {"name": "Test Centre", "active": "y", "bcc_percent": typed})
    assert answer.status_code == 422
    assert "Enter a percentage from 0.1 to 99.9." in answer.text
    assert f'value="{typed}"' in answer.text
    assert rate_of(app) is None


def test_the_form_says_what_it_changes_and_what_not(admin: CheckedClient, added: str) -> None:
    said = words(admin.get(added).text)
    assert "dermatologists see how likely a BCC is at this centre" in said
    assert "Which cases count as suspected, and their order, stay the same." in said
