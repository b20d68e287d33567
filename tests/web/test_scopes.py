"""Every query for cases shows a GP those of their own centre, a dermatologist all, and an administrator none.

The access table keeps administrators off the pages; without it, here, the queries must do so alone.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import World
from tests.web.helpers import change_case, heatmap_ids, image_ids, stored_case
from webapp.cases import queries as cases
from webapp.core.database import transaction
from webapp.core.extensions import db
from webapp.models import Case, Role, User, utcnow
from webapp.review import worklist_queries as worklists
from webapp.review.filters import Filters, Order

SEES = {"GP of A": True, "GP of B": False, "dermatologist": True, "administrator": False}


@pytest.fixture
def people(world: World) -> dict[str, str]:
    return {
        "GP of A": world.user(Role.GP, centre="Test Centre A"),
        "GP of B": world.user(Role.GP, centre="Test Centre B"),
        "dermatologist": world.user(Role.DERMATOLOGIST),
        "administrator": world.user(Role.ADMIN),
    }


@pytest.fixture
def looks(app: Flask, world: World, people: dict[str, str]) -> dict[str, Callable[[User], Any]]:
    """Ways to reach an open case of centre A, or a part of it; truthy if found."""
    earlier, number = world.case(people["GP of A"]), world.case(people["GP of A"])
    world.analyse(number, 0.9)
    (image_id,), (finding_id,) = image_ids(app, number), heatmap_ids(app, number)
    with stored_case(app, earlier) as case:
        earlier_id = case.id
    change_case(app, number, follows_id=earlier_id)
    with stored_case(app, number) as case:
        digest, case_id = case.images[0].sha256, case.id
    closed = world.case(people["GP of A"])
    change_case(app, closed, is_open=False, unread=True)

    def case_itself() -> Case:
        return db.session.get_one(Case, case_id)

    return {
        "find": lambda user: cases.find(user, number),
        "find_locked": lambda user: cases.find_locked(user, number),
        "image_of": lambda user: cases.image_of(user, image_id),
        "finding_of": lambda user: cases.finding_of(user, finding_id),
        "page": lambda user: cases.page(user, "", None),
        "search": lambda user: cases.page(user, number, None),
        "counts": lambda user: any(cases.counts(user).values()),
        "unread": lambda user: cases.unread(user),
        "unread_count": lambda user: cases.unread_count(user),
        "sent_before": lambda user: cases.sent_before(user, [digest], ""),
        "candidates": lambda user: cases.candidates(user, case_itself()),
        "candidate": lambda user: cases.candidate(user, case_itself(), earlier),
        "lesion_history": lambda user: cases.lesion_history(user, case_itself()),
        "worklist": lambda user: worklists.worklist(user, Filters(), None),
        "worklist by due date": lambda user: worklists.worklist(user, Filters(order=Order.DUE), None),
        "worklist, search": lambda user: worklists.worklist(user, Filters(q=number), None),
        "worklist's counts": lambda user: worklists.counts(user, Filters()).open,
        "worklist's sections": lambda user: worklists.counts(user, Filters()).matching,
        "next_case": lambda user: worklists.next_case(user, Filters()),
        "front": lambda user: worklists.front(user, Filters()),
        "open_of_patients": lambda user: worklists.open_of_patients(user, [case_itself()]),
        "outside": lambda user: worklists.outside(user, closed),
        "arrived": lambda user: worklists.arrived(user, Filters(), utcnow() - timedelta(days=1))[0],
    }


@pytest.mark.control("H8.2")
@pytest.mark.parametrize("person", SEES)
def test_a_query_shows_what_its_asker_may_see(app: Flask, people: dict[str, str], looks, person: str) -> None:
    with app.test_request_context(), transaction() as session:
        user = session.scalars(select(User).where(User.email == people[person])).one()
        found = {name: bool(look(user)) for name, look in looks.items()}
    assert found == dict.fromkeys(looks, SEES[person])
