"""Revision 0013 places the open cases of an earlier version exactly as the program itself would."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import delete, inspect, text

from tests.cards import former_card
from tests.conftest import World
from tests.web.helpers import change_case, in_force, stored_case, user_id
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp.core.database import reading, transaction
from webapp.core.extensions import db
from webapp.models import (
    Analysis,
    AnalysisState,
    Case,
    CaseState,
    FailureReason,
    Image,
    ModelVersion,
    OperatingPointChoice,
    ReopenReason,
    Role,
    TriageReason,
    Urgency,
    utcnow,
)
from webapp.triage.lift import lift_past_due
from webapp.triage.rank import Section

BEFORE = "0012_scale"
POINTS = [
    {"target_sensitivity": 0.95, "threshold": 0.1, "sensitivity": 0.95, "specificity": 0.9},
    {"target_sensitivity": 0.9, "threshold": 0.5, "sensitivity": 0.9, "specificity": 0.95},
]
"""The card's default, and what the administrator has chosen instead."""
OF_OLD = {"wanted": 0.95, "threshold": 0.2, "sensitivity": 0.95, "specificity": 0.9}
"""As earlier versions wrote it."""


def model(sha: str, *points: dict[str, float]) -> dict[str, Any]:
    """The answer of a model whose card has these operating points, the first of them the default."""
    target = {"code": "BCC", "evidence": "test", "operating_points": [*points], "default_sensitivity": 0.95}
    return {"weights_sha256": sha * 64, "card": {"targets": [target] if points else []}}


CHOSEN, OLD, WITHOUT_CARD = model("1", *POINTS), model("2", OF_OLD), model("3")


class Clinic:
    """Open cases of every kind, by what they are."""

    def __init__(self, app: Flask, world: World, gp: str, admin_email: str) -> None:
        self.app, self.world, self.gp = app, world, gp
        self.numbers: dict[str, str] = {}
        self.case("administrator's model", 0.0, **CHOSEN)
        self.choose(admin_email)
        for section in (self.now, self.needs_person, self.suspected, self.rest):
            section()
        for number in self.numbers.values():
            world.refresh(number)

    def choose(self, admin_email: str) -> None:
        admin = user_id(self.app, admin_email)
        with self.app.app_context(), transaction() as session:
            version = session.query(ModelVersion).filter_by(weights_sha256=CHOSEN["weights_sha256"]).one()
            for point in POINTS:  # the last one counts
                session.add(
                    OperatingPointChoice(
                        model_version_id=version.id,
                        target_sensitivity=point["target_sensitivity"],
                        threshold=point["threshold"],
                        chosen_by_id=admin,
                    )
                )

    def case(self, kind: str, *probabilities: float | None, images: int = 1, **result: Any) -> str:
        """One whose images have a result each, the last of ``probabilities`` also those that follow."""
        facts = {name: result.pop(name) for name in ("urgency",) if name in result}
        number = self.numbers[kind] = self.world.case(self.gp, images=images, **facts)
        if probabilities:
            self.world.analyse(number, probabilities[0], **{"card": former_card()} | result)
        for place, probability in enumerate(probabilities[1:], start=1):
            self.change(number, {"bcc_probability": probability}, place)
        return number

    def change(self, number: str, values: dict[str, Any], place: int = 0) -> None:
        with self.app.app_context(), transaction() as session:
            analysis = in_force(session.query(Case).filter_by(number=number).one().images[place])
            for name, value in values.items():
                setattr(analysis, name, value)

    def fail(self, number: str, failure: FailureReason, place: int = 0) -> None:
        self.change(number, {"state": AnalysisState.FAILED, "failure": failure}, place)

    def queue(self, number: str, place: int = 0) -> None:
        self.change(number, {"state": AnalysisState.QUEUED}, place)

    def now(self) -> None:
        for kind, reason in (("re-opened", ReopenReason.HISTOLOGY), ("re-opened, again", ReopenReason.LATE_RESULT)):
            change_case(self.app, self.case(kind, 0.02), reopened=reason)
        change_case(self.app, self.case("re-opened, not analysed"), reopened=ReopenReason.SECOND_OPINION)
        self.case("urgent", 0.02, urgency=Urgency.URGENT)
        self.case("urgent, unsure", 0.02, urgency=Urgency.URGENT, needs_person=True)
        waits = self.case("urgent, waits longer", 0.9, urgency=Urgency.URGENT)
        change_case(self.app, waits, waiting_since=utcnow() - timedelta(hours=30))
        self.case("melanoma", 0.02, lesion={"mel": 0.3})
        self.case("melanoma, soon", 0.02, lesion={"mel": 0.8}, urgency=Urgency.SOON)
        self.case("melanoma, unsure", 0.02, lesion={"mel": 0.8}, needs_person=True)

    def needs_person(self) -> None:
        self.case("unsure", 0.02, needs_person=True)
        self.case("unsure, melanoma below its point", 0.02, needs_person=True, lesion={"mel": 0.29})
        self.case("unsure, without a probability", None)
        self.case("no opinion of itself", 0.02, needs_person=None)
        self.case("queued")
        self.queue(self.case("queued with leftovers", 0.9))
        for failure in FailureReason:
            self.fail(self.case(failure.value), failure)
        self.without_images(self.case("no image"))
        self.case("two images, one unsure and without a probability", 0.02, None, images=2)
        self.queue(self.case("two images, one queued", 0.9, images=2), place=1)
        self.fail(self.case("two images, one failed", 0.02, images=2), FailureReason.ERROR, place=1)
        both = self.case("two images, both failed", 0.02, images=2)
        self.fail(both, FailureReason.ERROR)
        self.fail(both, FailureReason.MODEL_UNAVAILABLE, place=1)

    def suspected(self) -> None:
        self.case("BCC by the card", 0.1)
        self.case("BCC by the card, surely", 1.0)
        self.case("BCC by a card of an earlier version", 0.2, **OLD)
        self.case("BCC by the administrator's choice", 0.5, **CHOSEN)
        self.case("BCC as the model said itself", 0.05, bcc=True, **WITHOUT_CARD)
        self.case("two images, one suspected", 0.02, 0.7, images=2)

    def rest(self) -> None:
        self.case("below the card", 0.0999)
        self.case("below the card of an earlier version", 0.19, **OLD)
        self.case("below the administrator's choice, above the card", 0.4, **CHOSEN)
        self.case("not BCC as the model said itself", 0.6, bcc=False, **WITHOUT_CARD)
        self.case("melanoma below its point", 0.02, lesion={"mel": 0.29})
        self.case("a precancer", 0.02, lesion={"akiec": 0.9})
        self.case("no finding", 0.0)
        self.case("two images", 0.02, 0.05, images=2)
        self.superseded(self.case("an earlier result suspects", 0.02), shadow=False)
        self.superseded(self.case("a result in the shadow suspects", 0.02), shadow=True)

    def without_images(self, number: str) -> None:
        with self.app.app_context(), transaction() as session:
            images = [image.id for image in session.query(Case).filter_by(number=number).one().images]
            session.execute(delete(Analysis).where(Analysis.image_id.in_(images)))
            session.execute(delete(Image).where(Image.id.in_(images)))

    def superseded(self, number: str, shadow: bool) -> None:
        """One that is not in force beside the one that is."""
        with self.app.app_context(), transaction() as session:
            now = in_force(session.query(Case).filter_by(number=number).one().images[0])
            state = AnalysisState.DONE if shadow else AnalysisState.SUPERSEDED
            facts = {"bcc_probability": 0.9, "bcc_as_shipped": True, "needs_person": False, "lesion": {"mel": 0.9}}
            other = Analysis(image_id=now.image_id, state=state, shadow=shadow, **facts)
            other.model_version_id = now.model_version_id
            session.add(other)

    def places(self) -> dict[str, dict[str, Any]]:
        """What the triage has stored of each case."""
        with self.app.app_context(), reading() as session:
            cases = {case.number: case for case in session.query(Case)}
            return {kind: place(cases[number]) for kind, number in self.numbers.items()}


def place(case: Case) -> dict[str, Any]:
    return {
        "rank": case.rank,
        "needs_person": case.needs_person,
        "triage_reason": case.triage_reason,
        "other_cancer": case.other_cancer,
        "bcc_probability": case.bcc_probability,
        "past_due": case.past_due,
    }


@pytest.fixture
def clinic(app: Flask, world: World, gp: str) -> Clinic:
    return Clinic(app, world, gp, world.user(Role.ADMIN))


@pytest.fixture(autouse=True)
def _brought_up_to_date(app: Flask) -> Iterator[None]:
    yield
    forth(app)


def back(app: Flask) -> None:
    with app.app_context():
        downgrade(revision=BEFORE)


def spoil(app: Flask) -> None:
    """Whatever the earlier version has stored of open cases must not count."""
    with app.app_context(), db.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE case_file SET rank = 0.5, needs_person = NOT needs_person, other_cancer = NOT other_cancer,"
                " triage_reason = 'recalled', bcc_probability = 0.123 WHERE is_open"
            )
        )


def forth(app: Flask) -> None:
    with app.app_context():
        upgrade()


def assert_same(found: dict[str, dict[str, Any]], expected: dict[str, dict[str, Any]]) -> None:
    for kind, facts in expected.items():
        assert found[kind] == facts | {"rank": pytest.approx(facts["rank"], abs=1e-12, rel=0)}, kind


def test_every_open_case_is_placed_as_the_program_would(app: Flask, world: World, clinic: Clinic) -> None:
    expected = clinic.places()
    assert {Section(int(facts["rank"])) for facts in expected.values()} == set(Section)
    assert {facts["triage_reason"] for facts in expected.values()} == set(TriageReason) - {TriageReason.MODEL_OFF}
    back(app)
    spoil(app)
    forth(app)
    assert_same(clinic.places(), expected)
    for number in clinic.numbers.values():
        world.refresh(number)
    assert_same(clinic.places(), expected)


def test_what_is_past_its_date_is_lifted_by_the_program(app: Flask, world: World, gp: str) -> None:
    late = world.case(gp)
    world.analyse(late, 0.02)
    change_case(app, late, waiting_since=utcnow() - timedelta(days=15))
    world.refresh(late)
    with stored_case(app, late) as case:
        expected = place(case)
    assert (expected["past_due"], int(expected["rank"])) == (True, Section.NOW)
    back(app)
    spoil(app)
    forth(app)
    with stored_case(app, late) as case:
        assert (case.past_due, int(case.rank)) == (False, Section.REST)
    with app.app_context(), transaction():
        assert lift_past_due() == 1
    with stored_case(app, late) as case:
        assert_same({"late": place(case)}, {"late": expected})


@pytest.mark.parametrize("reason", ["other_cancer", "recalled"])
def test_decided_cases_lose_reasons_that_are_no_more(
    app: Flask, world: World, gp: str, reader: CheckedClient, reason: str
) -> None:
    number = world.case(gp)
    world.analyse(number, 0.02, lesion={"mel": 0.8}, card=former_card())
    take(reader, number)
    assert decide(reader, number).status_code == 302
    with stored_case(app, number) as case:
        before = case.rank, case.other_cancer, case.bcc_probability
    back(app)
    with app.app_context(), db.engine.begin() as connection:
        changed = text("UPDATE case_file SET triage_reason = :reason, needs_person = true WHERE number = :number")
        connection.execute(changed, {"reason": reason, "number": number})
    forth(app)
    with stored_case(app, number) as case:
        assert (case.state, case.is_open) == (CaseState.REVIEWED, False)
        assert (case.triage_reason, case.needs_person) == (TriageReason.PROBABILITY, False)
        assert (case.rank, case.other_cancer, case.bcc_probability) == before


def test_the_way_back_gives_ranks_of_the_old_form(app: Flask, clinic: Clinic) -> None:
    """Re-opened first; then what needs a person, and then the others, by the probability of BCC alone."""
    with app.app_context(), reading() as session:
        reopened = {case.number for case in session.query(Case) if case.reopened}
    expected = {}
    for kind, facts in clinic.places().items():
        probability = 1.0 if facts["bcc_probability"] is None else facts["bcc_probability"]
        rank = (1.0 if facts["needs_person"] else 3.0) - probability
        expected[clinic.numbers[kind]] = 0.0 if clinic.numbers[kind] in reopened else pytest.approx(rank, abs=1e-12)
    back(app)
    with app.app_context(), db.engine.connect() as connection:
        found = {row.number: row.rank for row in connection.execute(text("SELECT number, rank FROM case_file"))}
        assert "past_due" not in {column["name"] for column in inspect(connection).get_columns("case_file")}
    assert found == expected
