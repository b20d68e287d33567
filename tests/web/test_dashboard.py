"""The dashboard: the right numbers for the right cases, however many; nothing about a patient."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import change_case, counted_queries, words
from tests.web_client import CheckedClient
from webapp.admin.reports import facts
from webapp.admin.reports.dashboard import Dashboard, beginning, steps
from webapp.admin.reports.facts import Kind, ModelVerdict
from webapp.admin.reports.statistics import Estimate
from webapp.core.database import transaction
from webapp.histology import service as histology
from webapp.models import (
    Analysis,
    AnalysisState,
    Case,
    Diagnosis,
    HistologyResult,
    Image,
    Management,
    ModelVersion,
    Role,
    User,
    utcnow,
)
from webapp.review import claims
from webapp.review import service as reviews
from webapp.triage.risk import Shown

HOUR = timedelta(hours=1)


@pytest.fixture
def reader(world: World) -> str:
    return world.user(Role.DERMATOLOGIST)


def decide(
    world: World,
    reader: str,
    number: str,
    diagnosis: Diagnosis,
    management: Management = Management.BIOPSY,
    after: timedelta = HOUR,
) -> None:
    """A decision ``after`` seconds after the case was sent."""
    with world.app.app_context(), transaction() as session:
        user = session.query(User).filter_by(email=reader).one()
        case = session.query(Case).filter_by(number=number).one()
        claims.claim(user, case)
        review = reviews.decide(
            user, case, reviews.Decision(diagnosis, management, advice="Test advice."), Shown.of(case)
        )
        review.decided_at = case.submitted_at + after


def enter_histology(world: World, gp: str, number: str, result: HistologyResult) -> None:
    with world.app.app_context(), transaction() as session:
        user = session.query(User).filter_by(email=gp).one()
        case = session.query(Case).filter_by(number=number).one()
        histology.enter(user, case, result, "", None)


def board(app: Flask, version_id: int | None = None, days: int = 30) -> Dashboard:
    zone = ZoneInfo("UTC")
    begins = steps(days, zone, utcnow())
    with app.test_request_context():
        return Dashboard(facts.gather(begins, version_id), days, begins)


def only_kind(app: Flask) -> Kind:
    ((kind, count),) = board(app).period.counts.items()
    assert count == 1
    return kind


def row(dashboard: Dashboard, verdict: ModelVerdict) -> dict[Diagnosis, int]:
    counts = dict(dashboard.cross_table)[verdict]
    return {diagnosis: count for diagnosis, count in zip(Diagnosis, counts, strict=True) if count}


def value(estimate: Estimate | None) -> float:
    assert estimate is not None
    return estimate.value


def test_an_empty_period_says_so(admin: CheckedClient) -> None:
    assert "No cases in this period" in admin.get("/admin/dashboard").text


def test_model_against_dermatologist(app: Flask, world: World, gp: str, reader: str) -> None:
    decided = [
        (0.9, Diagnosis.BCC),
        (0.8, Diagnosis.BCC),
        (0.7, Diagnosis.BENIGN),
        (0.02, Diagnosis.BCC),
        (0.01, Diagnosis.BENIGN),
        (0.01, Diagnosis.NOT_BCC_MALIGNANT),
        (0.9, Diagnosis.UNCERTAIN),
        (None, Diagnosis.BCC),
    ]
    numbers = []
    for probability, diagnosis in decided:
        numbers.append(world.case(gp))
        world.analyse(numbers[-1], probability)
        decide(world, reader, numbers[-1], diagnosis)
    world.analyse(world.case(gp), 0.99)  # not decided: counts nowhere here
    found = board(app)
    assert row(found, ModelVerdict.SUSPECTS) == {Diagnosis.BCC: 2, Diagnosis.BENIGN: 1, Diagnosis.UNCERTAIN: 1}
    assert row(found, ModelVerdict.DOES_NOT_SUSPECT) == {
        Diagnosis.BCC: 1,
        Diagnosis.BENIGN: 1,
        Diagnosis.NOT_BCC_MALIGNANT: 1,
    }
    assert row(found, ModelVerdict.NO_RESULT) == {Diagnosis.BCC: 1}
    assert found.agreement.model.n == 6
    assert value(found.agreement.model.sensitivity) == pytest.approx(2 / 3)
    assert value(found.agreement.model.specificity) == pytest.approx(2 / 3)
    assert value(found.agreement.model.kappa) == pytest.approx(1 / 3)
    assert [(case.number, case.probability) for case in found.missed] == [(numbers[3], 0.02)]
    assert found.missed_count == 1


def test_model_and_dermatologist_against_histology(app: Flask, world: World, gp: str, reader: str) -> None:
    judged = [
        (0.9, Diagnosis.BCC, HistologyResult.BCC),
        (0.9, Diagnosis.BENIGN, HistologyResult.BCC),
        (0.9, Diagnosis.BCC, HistologyResult.PREMALIGNANT),
        (0.02, Diagnosis.BCC, HistologyResult.BCC),
        (0.02, Diagnosis.BENIGN, HistologyResult.BENIGN),
        (0.9, Diagnosis.UNCERTAIN, HistologyResult.BCC),
        (None, Diagnosis.BCC, HistologyResult.BCC),
        (0.9, Diagnosis.BCC, HistologyResult.INCONCLUSIVE),
        (0.9, Diagnosis.BCC, None),
    ]
    for probability, diagnosis, result in judged:
        number = world.case(gp)
        world.analyse(number, probability)
        decide(world, reader, number, diagnosis, after=-HOUR)
        if result:
            enter_histology(world, gp, number, result)
    agreement = board(app).agreement
    model, dermatologist = (row.accuracy for row in agreement.comparisons[1:])
    assert (model.n, value(model.sensitivity), value(model.specificity)) == (6, 3 / 4, 1 / 2)
    assert dermatologist.n == 6
    assert (value(dermatologist.sensitivity), value(dermatologist.specificity)) == (3 / 4, 1 / 2)
    assert agreement.with_histology == 8
    assert agreement.complete == 5
    assert {(row.model, row.dermatologist): (row.bcc, row.not_bcc) for row in agreement.combinations} == {
        ("BCC", "BCC"): (1, 1),
        ("BCC", "not BCC"): (1, 0),
        ("not BCC", "BCC"): (1, 0),
        ("not BCC", "not BCC"): (0, 1),
    }


def test_who_has_read_the_histology_is_not_measured_by_it(app: Flask, world: World, gp: str, reader: str) -> None:
    number = world.case(gp)
    world.analyse(number, 0.02)
    decide(world, reader, number, Diagnosis.BENIGN, Management.ROUTINE_CLINIC, after=-HOUR)
    enter_histology(world, gp, number, HistologyResult.BENIGN)
    enter_histology(world, gp, number, HistologyResult.BCC)  # a correction, which re-opens the case
    decide(world, reader, number, Diagnosis.BCC)
    case = only_kind(app)
    assert (case.diagnosis, case.unaided, case.histology) == (Diagnosis.BCC, Diagnosis.BENIGN, HistologyResult.BCC)


def test_no_histology_is_said_so(world: World, gp: str, reader: str, admin: CheckedClient) -> None:
    number = world.case(gp)
    world.analyse(number, 0.9)
    decide(world, reader, number, Diagnosis.BCC, after=-HOUR)
    assert "No histology yet." in admin.get("/admin/dashboard").text
    enter_histology(world, gp, number, HistologyResult.INCONCLUSIVE)
    page = words(admin.get("/admin/dashboard").text)
    assert "No histology yet." not in page
    assert "1 case has a histology result; in 0 of them all three say BCC or not BCC." in page


@pytest.mark.parametrize(
    ("second", "verdict"),
    [(0.5, ModelVerdict.SUSPECTS), (0.01, ModelVerdict.DOES_NOT_SUSPECT), (None, ModelVerdict.NO_RESULT)],
)
def test_one_image_speaks_for_the_case(
    app: Flask, world: World, gp: str, second: float | None, verdict: ModelVerdict
) -> None:
    number = world.case(gp, images=2)
    world.analyse(number, 0.02)
    with app.app_context(), transaction() as session:
        analysis = session.query(Analysis).order_by(Analysis.id.desc()).first()
        analysis.bcc_probability, analysis.needs_person = second, second is None
    assert only_kind(app).verdict is verdict


def test_an_unsure_result_is_no_result(app: Flask, world: World, gp: str) -> None:
    world.analyse(world.case(gp), 0.9, needs_person=True)
    assert only_kind(app).verdict is ModelVerdict.NO_RESULT


def test_the_results_of_an_earlier_version(app: Flask, world: World, gp: str, reader: str) -> None:
    number = world.case(gp)
    world.analyse(number, 0.02)
    with app.app_context(), transaction() as session:
        first = session.query(Analysis).one()
        first.state = AnalysisState.SUPERSEDED
        session.flush()
        session.add(Analysis(image=session.query(Image).one()))
    world.analyse(number, 0.9, weights_sha256="1" * 64)
    decide(world, reader, number, Diagnosis.BCC)
    with app.app_context(), transaction() as session:
        early, late = [version.id for version in session.query(ModelVersion).order_by(ModelVersion.id)]
    assert len(board(app, early).missed) == 1
    assert board(app, late).missed == board(app).missed == []


def test_waiting_times_until_the_first_answer(app: Flask, world: World, gp: str, reader: str) -> None:
    for hours in (1, 2, 3, 4, 21):
        number = world.case(gp)
        decide(world, reader, number, Diagnosis.BENIGN, after=hours * HOUR)
    world.case(gp)
    asked_again = world.case(gp)
    decide(world, reader, asked_again, Diagnosis.UNCERTAIN, Management.RETAKE)
    everything, routine = board(app).waiting
    assert (everything.name, everything.sent, everything.answered) == ("All cases", 7, 5)
    assert everything.median == pytest.approx(3)
    assert everything.ninetieth == pytest.approx(14.2)
    assert (routine.name, routine.answered) == ("Routine", 5)


def test_cases_a_day_in_the_local_zone(app: Flask, world: World, gp: str) -> None:
    zone = ZoneInfo("Pacific/Auckland")
    now = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)  # 23:00 of the same day there
    since = beginning(30, zone, now)
    assert since.isoformat() == "2026-10-23T00:00:00+13:00"
    for moment in (since, since - timedelta(seconds=1), now, now - 23 * HOUR):
        change_case(app, world.case(gp), submitted_at=moment)
    begins = steps(30, zone, now)
    with app.test_request_context():
        found = Dashboard(facts.gather(begins), 30, begins)
    assert len(found.per_day) == 30
    assert [entry for entry in found.per_day if entry[1]] == [("23 Oct", 1), ("21 Nov", 2)]


def test_a_long_period_is_shown_by_week(app: Flask, world: World, gp: str) -> None:
    world.case(gp)
    found = board(app, days=365)
    assert len(found.per_day) == 53
    assert sum(count for _week, count in found.per_day) == 1


def test_by_centre_and_phototype(app: Flask, world: World, gp: str, reader: str) -> None:
    other = world.user(Role.GP, centre="Test Centre B")
    for who, phototype, probability in ((gp, 2, 0.9), (gp, None, 0.02), (other, 5, 0.02)):
        number = world.case(who, phototype=phototype)
        world.analyse(number, probability)
        decide(world, reader, number, Diagnosis.BCC)
    found = board(app)
    assert [(group.name, group.sent, group.bcc, value(group.accuracy.sensitivity)) for group in found.per_centre] == [
        ("Test Centre A", 2, 2, 0.5),
        ("Test Centre B", 1, 1, 0.0),
    ]
    assert [(group.name, group.decided) for group in found.per_phototype] == [
        ("Phototype II", 1),
        ("Phototype V", 1),
        ("Not stated", 1),
    ]


def test_the_page_shows_the_numbers_and_no_patient(world: World, gp: str, reader: str, admin: CheckedClient) -> None:
    number = world.case(gp, patient_reference="SECRET-REF", history="Private history")
    world.analyse(number, 0.02)
    decide(world, reader, number, Diagnosis.BCC)
    page = admin.get("/admin/dashboard").text
    assert number in page
    assert "SECRET-REF" not in page
    assert "Private history" not in page
    assert "0 % (0 to 79)" in words(page)  # one BCC, missed: the Wilson interval of 0 of 1
    assert page.count("<svg") == 4
    assert len(re.findall("<rect", page)) == 30


@pytest.mark.parametrize("query", ["days=7", "days=x", "version=987654", "version=x", "days=90&version="])
def test_a_made_up_address_does_no_harm(world: World, gp: str, admin: CheckedClient, query: str) -> None:
    world.case(gp)
    assert admin.get(f"/admin/dashboard?{query}").status_code == 200


def test_the_number_of_queries_does_not_grow(app: Flask, world: World, gp: str, reader: str, admin) -> None:
    def queries() -> int:
        with counted_queries(app) as statements:
            assert admin.get("/admin/dashboard").status_code == 200
        return len(statements)

    number = world.case(gp)
    world.analyse(number, 0.02)
    decide(world, reader, number, Diagnosis.BCC)
    few = queries()
    for index in range(6):
        number = world.case(world.user(Role.GP, centre=f"Test Centre {index}"), images=2, phototype=index + 1)
        world.analyse(number, 0.02)
        decide(world, reader, number, Diagnosis.BCC)
        enter_histology(world, gp, number, HistologyResult.BCC)
    assert queries() == few <= 11
