"""Searching from the worklist: a case number, a patient reference or a centre; what is found is a queue."""

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import change_case, user_id, words
from tests.web.reading import decide, take
from tests.web.test_opinions import ask
from tests.web.test_queue import next_of
from tests.web.test_worklist import rows
from tests.web_client import CheckedClient
from webapp.models import Role


@pytest.fixture
def cases(app: Flask, world: World, gp: str) -> list[str]:
    """PC-17/A and PC-18/B at Test Centre A, PC-17/A at Test Centre B."""
    found = [world.case(gp), world.case(gp), world.case(world.user(Role.GP, centre="Test Centre B"))]
    for number, reference in zip(found, ("PC-17/A", "PC-18/B", "PC-17/A"), strict=True):
        change_case(app, number, patient_reference=reference)
    return found


def found(client: CheckedClient, search: str) -> list[str]:
    return rows(client.get("/review/", query_string={"q": search}).text)


@pytest.mark.parametrize(
    ("search", "places"),
    [("pc-17", [0, 2]), ("PC-18/B", [1]), ("/b", [1]), ("test centre b", [2]), ("Centre", [0, 1, 2]), ("PC-9", [])],
)
def test_by_reference_and_centre(cases: list[str], reader, search: str, places: list[int]) -> None:
    assert found(reader, search) == [cases[place] for place in places]


def test_by_case_number_whole_or_its_beginning(cases: list[str], reader: CheckedClient) -> None:
    for search in (cases[1], cases[1].lower(), f" {cases[1]} ", cases[1].removeprefix("DT-")):
        assert found(reader, search) == [cases[1]]
    assert cases[1] in found(reader, cases[1][:5])


def test_what_is_found_is_a_queue(cases: list[str], reader: CheckedClient) -> None:
    assert next_of(reader, "?q=PC-18") == f"/review/{cases[1]}?q=PC-18"


def test_a_filter_chosen_afterwards_keeps_the_search(cases: list[str], reader: CheckedClient) -> None:
    assert '<input type="hidden" name="q" value="PC-17">' in reader.get("/review/?q=PC-17").text


def test_a_case_that_is_not_open_is_found_below_the_list(cases: list[str], reader: CheckedClient) -> None:
    take(reader, cases[0])
    decide(reader, cases[0])
    page = reader.get("/review/?q=pc-17/a").text
    assert rows(page) == [cases[2]]
    below = words(page[page.index("Not in the worklist") :])
    assert f"{cases[0]} PC-17/A" in below
    assert "answered, sent" in below
    assert cases[2] not in below
    assert "Not in the worklist" not in reader.get("/review/").text


def test_too_long_a_search_says_so_and_hides_nothing(cases: list[str], reader: CheckedClient) -> None:
    page = reader.get("/review/", query_string={"q": "x" * 81}).text
    assert "Search for at most 80 characters" in page
    assert rows(page) == cases


def test_whoever_owes_an_opinion_is_not_told_what_became_of_the_case(
    app: Flask, world: World, cases: list[str], reader: CheckedClient, sign_in
) -> None:
    email = world.user(Role.DERMATOLOGIST)
    asked = sign_in(email)
    take(reader, cases[1])
    ask(reader, cases[1], user_id(app, email))
    before = asked.get("/review/?q=PC-18").text
    assert rows(before) == []
    assert "awaiting your opinion, sent" in words(before)
    decide(reader, cases[1], management="retake", advice="Sharper, please.")
    after = words(asked.get("/review/?q=PC-18").text)
    assert after[after.index("Not in the worklist") :] == words(before)[words(before).index("Not in the worklist") :]
    assert "new images requested" in words(reader.get("/review/?q=PC-18").text)
