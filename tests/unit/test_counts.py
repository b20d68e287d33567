"""Counts stop at a limit and say so in words, and so do places in line."""

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import World
from webapp.cases.presenters import place_words
from webapp.cases.waiting import PlaceInLine
from webapp.core.counts import in_words, up_to
from webapp.core.database import reading
from webapp.models import Case, Role


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0"), (12, "12"), (1000, "1,000"), (1001, "more than 1,000"), (5000, "more than 1,000")]
)
def test_a_count_in_words(number: int, words: str) -> None:
    assert in_words(number) == words


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (None, ""),
        (PlaceInLine(3, 12, None), "place 3 of 12, no estimate yet"),
        (PlaceInLine(3, 1001, 7200), "place 3 of more than 1,000, about 2 h"),
        (PlaceInLine(1001, 1001, 7200), "after the first 1,000, more than 2 h"),
        (PlaceInLine(1001, 1001, None), "after the first 1,000, no estimate yet"),
    ],
)
def test_a_place_in_words(place: PlaceInLine | None, words: str) -> None:
    assert place_words(place) == words


def test_counting_stops_one_above_the_limit(app: Flask, world: World) -> None:
    gp = world.user(Role.GP)
    for _ in range(4):
        world.case(gp)
    with app.app_context(), reading() as session:
        counted = [session.scalar(select(up_to(select(Case.id), most))) for most in (2, 3, 4, 5)]
    assert counted == [3, 4, 4, 4]
