"""The threshold page: shows what a choice would mean here; choosing changes verdicts, never decided cases."""

import json
import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import World
from tests.web.helpers import SURE, actions, change_case, count, counted_queries, in_force, stored_case, words
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp.admin.operation import placing
from webapp.admin.operation.thresholds import Expectation, offers
from webapp.analysis import workers
from webapp.core.database import reading, transaction
from webapp.models import ModelVersion, OperatingPoint, OperatingPointChoice, Role, utcnow
from webapp.triage.rank import Section

POINTS = [
    {"target_sensitivity": 0.9, "threshold": 0.5, "sensitivity": 0.9, "specificity": 0.98},
    {"target_sensitivity": 0.95, "threshold": 0.1, "sensitivity": 0.95, "specificity": 0.9},
    {"target_sensitivity": 0.98, "threshold": 0.02, "sensitivity": 0.99, "specificity": 0.8},
]
TESTED = [{**POINTS[2], "sensitivity": {"value": 0.985, "low": 0.95, "high": 1}, "specificity": {"value": 0.75}}]
CARD = {
    "notice": "Not clinically validated: a test model.",
    "targets": [{"code": "BCC", "evidence": "test", "operating_points": POINTS, "default_sensitivity": 0.95}],
    "metrics": {"operating_points": TESTED},
}


@pytest.fixture
def model(app: Flask) -> None:
    """A worker has loaded a model with three operating points."""
    with app.app_context(), transaction():
        workers.note_model("machine:1", "test-model", "0" * 64, CARD)


def table(client: CheckedClient, query: str = "") -> list[list[str]]:
    """The cells of each operating point's row."""
    answer = client.get(f"/admin/threshold?{query}")
    assert answer.status_code == 200
    rows = re.findall(r"<tr>\s*<th scope=\"row\">(.*?)</tr>", answer.text, re.DOTALL)
    return [[words(cell).strip() for cell in re.split(r"</t[hd]>", row)[:-1]] for row in rows]


def choose(admin: CheckedClient, target: object):
    return admin.submit("/admin/threshold", {"target_sensitivity": str(target), **SURE})


def test_without_a_model_the_page_says_what_to_do(admin: CheckedClient) -> None:
    page = admin.get("/admin/threshold").text
    assert "No model yet" in page
    assert "<form" not in page.split("<main")[1]


@pytest.mark.usefixtures("model")
def test_without_decisions_here_nothing_is_made_up(admin: CheckedClient) -> None:
    rows = table(admin)
    assert rows[1] == ["95 % target sensitivity in use", "10.0 %", "95.0 %", "90.0 %", "–", "–"]
    assert "No cases have been decided here yet" in admin.get("/admin/threshold").text


@pytest.mark.usefixtures("model")
def test_the_figures_of_the_test_stand_before_those_of_the_validation(admin: CheckedClient) -> None:
    assert table(admin)[2][:4] == ["98 % target sensitivity", "2.0 %", "98.5 %", "75.0 %"]


@pytest.mark.usefixtures("model")
def test_expectations_at_the_local_prevalence_and_workload(app: Flask, world: World, admin, reader) -> None:
    gp = world.user(Role.GP)
    for diagnosis in ("bcc", "benign", "benign", "uncertain", "premalignant"):
        number = world.case(gp)
        take(reader, number)
        decide(reader, number, diagnosis=diagnosis)
    change_case(app, world.case(gp), submitted_at=utcnow() - timedelta(days=40))
    page = words(admin.get("/admin/threshold").text)
    assert "Decided in the last 12 months: 4, of which BCC: 25.0 % (4.6 to 69.9)" in page
    assert "Cases sent per day over the last 30 days: 0.2" in page  # 5 in 30 days
    # a quarter BCC: of 100 cases 23.75 are suspected rightly and 7.5 wrongly
    assert table(admin)[1][4:] == ["0.1", "76 %"]


@pytest.mark.usefixtures("model")
def test_another_prevalence_can_be_tried(admin: CheckedClient) -> None:
    assert [row[5] for row in table(admin, "prevalence=5")] == ["70 %", "33 %", "17 %"]
    assert [row[5] for row in table(admin, "prevalence=0")] == ["0 %", "0 %", "0 %"]


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("typed", ["x", "-1", "101", "nan"])
def test_a_wrong_prevalence_is_explained_and_kept(admin: CheckedClient, typed: str) -> None:
    answer = admin.get(f"/admin/threshold?prevalence={typed}")
    assert answer.status_code == 422
    assert f'value="{typed}"' in answer.text


def test_expectation_by_hand() -> None:
    expected = Expectation(
        OperatingPoint(0.95, 0.1, sensitivity=0.9, specificity=0.8), prevalence=0.1, cases_per_day=50
    )
    assert expected.suspected_per_day == pytest.approx(50 * (0.09 + 0.18))
    assert expected.ppv == pytest.approx(0.09 / 0.27)
    assert Expectation(OperatingPoint(0.5, 0.9, sensitivity=0, specificity=1), 0.1, 50).ppv is None


@pytest.mark.control("H1.4")
@pytest.mark.usefixtures("model")
def test_the_choice_changes_the_verdict_and_the_section(app: Flask, world: World, admin, reader) -> None:
    number = world.case(world.user(Role.GP))
    world.analyse(number, 0.3, card=CARD)
    with stored_case(app, number) as case:
        before = (case.rank, case.needs_person, case.state, case.bcc_probability)
        assert int(case.rank) == Section.SUSPECTED
    assert 'class="lead-suspected">BCC 30 %' in reader.get("/review/").text
    assert choose(admin, 0.9).status_code == 302
    page = reader.get("/review/").text
    assert number in page
    assert "No cancer suspected" in page
    take(reader, number)
    page = reader.get(f"/review/{number}").text
    assert "BCC 30 % not suspected (threshold 50.0 %)" in words(page)
    assert "data-map=" not in page
    with stored_case(app, number) as case:
        assert int(case.rank) == Section.REST
        assert (case.needs_person, case.bcc_probability) == (before[1], before[3])
        assert in_force(case.images[0]).bcc_as_shipped is True
    choose(admin, 0.95)
    assert 'class="lead-suspected">BCC 30 %' in reader.get("/review/").text
    with stored_case(app, number) as case:
        assert case.rank == before[0]


@pytest.mark.usefixtures("model")
def test_a_long_worklist_is_placed_in_portions(
    app: Flask, world: World, admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first with the choice itself, the others by the worker, and decided cases not at all."""
    monkeypatch.setattr(placing, "PORTION", 2)
    gp = world.user(Role.GP)
    numbers = [world.case(gp) for _ in range(5)]
    for number in numbers:
        world.analyse(number, 0.3, card=CARD)
    change_case(app, numbers[1], is_open=False)

    def sections() -> list[Section]:
        found = []
        for number in numbers:
            with stored_case(app, number) as case:
                found.append(Section(int(case.rank)))
        return found

    choose(admin, 0.9)
    rest, suspected = Section.REST, Section.SUSPECTED
    assert sections() == [rest, suspected, rest, suspected, suspected]
    with app.app_context(), transaction():
        assert placing.place_open_cases() == 2
    assert sections() == [rest, suspected, rest, rest, rest]
    with app.app_context(), transaction():
        assert placing.place_open_cases() == 0
    with app.app_context(), reading() as session:
        assert session.scalars(select(OperatingPointChoice.placed_up_to)).all() == [None]


@pytest.mark.usefixtures("model")
def test_a_more_careful_choice_asks_for_more_reasons(world: World, admin, reader) -> None:
    gp = world.user(Role.GP)
    before, after = world.case(gp), world.case(gp)
    for number in (before, after):
        world.analyse(number, 0.05, card=CARD)
        take(reader, number)
    assert decide(reader, before, management="reassure").status_code == 302
    choose(admin, 0.98)
    assert decide(reader, after, management="reassure").status_code == 422
    assert decide(reader, after, management="reassure", override_reason="Seen in person.").status_code == 302


@pytest.mark.usefixtures("model")
def test_each_choice_is_a_row_and_noted_and_the_same_again_is_not(app: Flask, admin: CheckedClient) -> None:
    choose(admin, 0.95)  # the point already in force
    assert count(app, OperatingPointChoice) == 0
    choose(admin, 0.98)
    choose(admin, 0.98)
    choose(admin, 0.9)
    assert count(app, OperatingPointChoice) == 2
    assert actions(app) == ["threshold.chosen", "threshold.chosen"]
    assert "target sensitivity: 0.98 → 0.9" in admin.get("/admin/audit").text
    page = words(admin.get("/admin/threshold").text)
    assert page.index("target sensitivity 90 %, by Test") < page.index("target sensitivity 98 %, by Test")


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("target", ["", "0.5", "x", "nan"])
def test_a_made_up_point_is_refused(app: Flask, admin: CheckedClient, target: str) -> None:
    assert choose(admin, target).status_code == 422
    assert count(app, OperatingPointChoice) == 0


def test_a_card_stored_with_the_former_key_still_counts() -> None:
    """Rows written by earlier versions call the target sensitivity "wanted"."""
    old = json.loads(json.dumps(CARD).replace('"target_sensitivity"', '"wanted"'))
    version = ModelVersion(name="test-model", weights_sha256="0" * 64, card=old)
    assert [point.target_sensitivity for point in version.operating_points] == [0.9, 0.95, 0.98]
    assert version.operating_points[2].sensitivity == 0.985
    assert version.threshold == 0.1


def test_a_choice_counts_for_its_own_model_only(app: Flask, world: World, admin, reader) -> None:
    number = world.case(world.user(Role.GP))
    world.analyse(number, 0.3, card=CARD)
    with app.app_context(), transaction():
        workers.note_model("machine:1", "next-model", "1" * 64, CARD)
    choose(admin, 0.9)
    assert 'class="lead-suspected">BCC 30 %' in reader.get("/review/").text


@pytest.mark.usefixtures("model")
def test_the_number_of_queries_does_not_grow(app: Flask, world: World, admin, reader) -> None:
    def queries(client: CheckedClient, path: str) -> int:
        with counted_queries(app) as statements:
            assert client.get(path).status_code == 200
        return len(statements)

    gp = world.user(Role.GP)
    world.analyse(world.case(gp), 0.3, card=CARD)
    few, few_worklist = queries(admin, "/admin/threshold"), queries(reader, "/review/")
    for target in (0.9, 0.98, 0.95):
        choose(admin, target)
        world.analyse(world.case(gp, images=2), 0.3, card=CARD)
    assert queries(admin, "/admin/threshold") == few <= 12
    assert queries(reader, "/review/") == few_worklist


@pytest.mark.usefixtures("model")
def test_another_operating_point_is_asked_first(app: Flask, admin: CheckedClient) -> None:
    asked = admin.submit("/admin/threshold", {"target_sensitivity": "0.9"})
    assert asked.status_code == 200
    page = words(asked.text)
    assert "suspect BCC from a probability of 50.0 % instead of 10.0 %" in page
    assert "it suspects 90.0 % instead of 95.0 %: more are missed" in page
    assert '<input type="hidden" name="target_sensitivity" value="0.9">' in asked.text
    assert count(app, OperatingPointChoice) == 0
    careful = words(admin.submit("/admin/threshold", {"target_sensitivity": "0.98"}).text)
    assert "it suspects 98.5 % instead of 95.0 %: fewer are missed" in careful
    choose(admin, 0.9)
    assert count(app, OperatingPointChoice) == 1
    choose(admin, 0.9)
    assert "This operating point is in use already." in admin.get("/admin/threshold").text


def with_points(*points: dict[str, float]) -> ModelVersion:
    target = {**CARD["targets"][0], "operating_points": list(points)}  # type: ignore[index]
    return ModelVersion(name="test-model", weights_sha256="0" * 64, card={"targets": [target]})


SAME_FIGURES = {**POINTS[1], "target_sensitivity": 0.9, "threshold": 0.11}
SAME_THRESHOLD = {**POINTS[1], "target_sensitivity": 0.9, "sensitivity": 0.94}


@pytest.mark.parametrize("twin", [SAME_FIGURES, SAME_THRESHOLD])
def test_points_that_differ_by_their_target_alone_are_said_to_be_one(
    app: Flask, admin: CheckedClient, twin: dict[str, float]
) -> None:
    card = with_points(twin, POINTS[1], POINTS[2]).card
    with app.app_context(), transaction():
        workers.note_model("machine:1", "test-model", "0" * 64, card)
    first, second = table(admin)
    assert (
        first[0]
        == "90 % and 95 % target sensitivity in use One operating point: these targets lead to the same figures."
    )
    assert second[0] == "98 % target sensitivity"
    assert choose(admin, 0.9).status_code == 422, "there is one choice for both"
    assert count(app, OperatingPointChoice) == 0


def test_of_points_that_are_one_the_highest_target_is_offered_or_the_one_in_force() -> None:
    version = with_points(POINTS[0], {**POINTS[2], "target_sensitivity": 0.97}, POINTS[2], POINTS[1])
    assert [offer.point.target_sensitivity for offer in offers(version)] == [0.9, 0.98, 0.95]
    assert [offer.targets for offer in offers(version)] == ["90 %", "97 % and 98 %", "95 %"]
    version.choices.append(OperatingPointChoice(target_sensitivity=0.97))
    assert [offer.point.target_sensitivity for offer in offers(version)] == [0.9, 0.97, 0.95]
