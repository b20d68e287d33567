"""One suspicious image is enough, whatever the others show: for reader, worklist and reports."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import World, outcome
from tests.unit.work import analysis_ids
from tests.web.helpers import stored_case
from tests.web.reading import decide, take
from webapp.admin.reports import facts
from webapp.admin.reports.facts import ModelVerdict
from webapp.analysis import leases, results
from webapp.core.database import transaction
from webapp.core.extensions import db
from webapp.models import Role, User, utcnow
from webapp.review.worklist import WorklistRow


def case_with(app: Flask, world: World, gp: str, *probabilities: float) -> str:
    """A case with one image for each P(BCC)."""
    number, store = world.case(gp, images=len(probabilities)), app.extensions["image_store"]
    for analysis_id, probability in zip(analysis_ids(app, number), probabilities, strict=True):
        with app.app_context(), transaction():
            assert leases.take(analysis_id, "test")
            assert results.finish(analysis_id, "test", results.stored(outcome(probability), store))
    return number


@pytest.mark.parametrize("probabilities", [(0.9, 0.02), (0.02, 0.9), (0.02, 0.9, 0.02)])
def test_no_appointment_needs_a_reason(app: Flask, world: World, gp: str, reader, probabilities) -> None:
    number = case_with(app, world, gp, *probabilities)
    take(reader, number)
    assert decide(reader, number, management="reassure").status_code == 422
    with stored_case(app, number) as case:
        assert case.reviews == []


def test_the_worklist_says_so(app: Flask, world: World, gp: str, reader) -> None:
    suspected, mixed, free = (case_with(app, world, gp, *p) for p in ((0.9,), (0.02, 0.9), (0.02, 0.02)))

    def why(number: str) -> str:
        with app.test_request_context(), stored_case(app, number) as case:
            user = db.session.scalars(select(User).where(User.role == Role.DERMATOLOGIST)).one()
            return WorklistRow(case, user).why

    assert why(mixed) == why(suspected) != why(free)


def test_the_reports_count_it_as_suspected(app: Flask, world: World, gp: str) -> None:
    case_with(app, world, gp, 0.02, 0.9)
    with app.test_request_context():
        ((kind, count),) = facts.gather([utcnow() - timedelta(days=1)]).counts.items()
    assert (kind.verdict, count) == (ModelVerdict.SUSPECTS, 1)
