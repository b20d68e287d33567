"""The worklist: in order of rank, then of waiting time; every case exactly once."""

import re
from datetime import timedelta
from random import Random

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import change_case, counted_queries
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp.models import Role, Urgency, utcnow
from webapp.review.queries import PAGE_SIZE


def rows(page: str) -> list[str]:
    return re.findall(r'<th scope="row"[^>]*>\s*<a href="/review/(DT-\w+)"', page)


def headed(page: str) -> list[str]:
    """Section headings and cases, in the order of the page."""
    return re.findall(r'(?:<th scope="rowgroup"[^>]*>|<a href="/review/)([A-Z][^"<]+)', page)


def following(page: str) -> str:
    found = re.search(r'<a href="([^"]+)">More cases', page)
    return found.group(1).replace("&amp;", "&") if found else ""


def whole_list(client: CheckedClient) -> list[str]:
    seen, path = [], "/review/"
    while path:
        page = client.get(path).text
        seen += rows(page)
        path = following(page)
    return seen


def test_an_empty_list_says_so(reader: CheckedClient) -> None:
    assert "No open cases" in reader.get("/review/").text


def test_the_order_of_reading(world: World, gp: str, reader: CheckedClient) -> None:
    """The expected order, in words."""
    low, high, unsure, failed, fresh = (world.case(gp) for _ in range(5))
    world.analyse(low, 0.02)
    world.analyse(high, 0.97)
    world.analyse(unsure, 0.3, needs_person=True, reasons=[{"code": "dark", "message": "Too dark."}])
    world.analyse(failed, None)
    assert rows(reader.get("/review/").text) == [failed, fresh, unsure, high, low]


@pytest.fixture
def each_section(world: World, gp: str) -> list[str]:
    """A case for each section of the list, in order."""
    now, fresh, suspected, rest = world.case(gp, urgency=Urgency.URGENT), *(world.case(gp) for _ in range(3))
    for number, probability in ((now, 0.02), (suspected, 0.9), (rest, 0.02)):
        world.analyse(number, probability)
    return [now, fresh, suspected, rest]


def test_each_section_has_a_heading(each_section: list[str], reader: CheckedClient) -> None:
    now, fresh, suspected, rest = each_section
    named = ["Now", now, "Needs a person", fresh, "Suspected", suspected, "The rest", rest]
    assert headed(reader.get("/review/").text) == named
    assert headed(reader.get("/review/?person=1").text) == ["Needs a person", fresh]


def test_a_list_by_waiting_time_has_no_sections(each_section: list[str], reader: CheckedClient) -> None:
    assert headed(reader.get("/review/?order=waiting").text) == each_section


def test_a_section_is_named_again_on_the_next_page(world: World, gp: str, reader: CheckedClient) -> None:
    for _ in range(PAGE_SIZE + 1):
        last = world.case(gp)
    assert headed(reader.get(following(reader.get("/review/").text)).text) == ["Needs a person", last]


def test_a_case_without_a_rank_yet_is_in_the_first_section(app: Flask, world: World, gp: str, reader) -> None:
    number = world.case(gp)
    change_case(app, number, rank=0.0)
    assert headed(reader.get("/review/").text) == ["Now", number]


def test_urgency_is_shown_and_comes_first(world: World, gp: str, reader: CheckedClient) -> None:
    urgent, likelier = world.case(gp, urgency=Urgency.URGENT), world.case(gp)
    world.analyse(urgent, 0.02)
    world.analyse(likelier, 0.9)
    page = reader.get("/review/").text
    assert rows(page) == [urgent, likelier]
    assert "Urgent" in page


def test_among_equals_the_longest_waiting_and_then_the_older_case(app: Flask, world: World, gp: str, reader) -> None:
    first, second, third = (world.case(gp) for _ in range(3))
    moment = utcnow()
    for number, waiting in ((first, moment), (second, moment), (third, moment - timedelta(microseconds=1))):
        world.analyse(number, 0.5)
        change_case(app, number, waiting_since=waiting)
    assert rows(reader.get("/review/").text) == [third, first, second]


def test_every_case_stands_on_exactly_one_page_even_with_ties(app: Flask, world: World, gp: str, reader) -> None:
    random, moment, expected = Random(3), utcnow(), []
    for order in range(2 * PAGE_SIZE + 3):
        number = world.case(gp)
        rank, seconds = random.choice((0.0, 0.25, 2.1, 2.1 + 1e-15)), random.choice((0, 1))
        waiting = moment - timedelta(seconds=seconds)
        change_case(app, number, rank=rank, needs_person=rank < 2, waiting_since=waiting)
        expected.append((rank, waiting, order, number))
    assert whole_list(reader) == [number for *_, number in sorted(expected)]


def test_a_full_page_has_a_next_one_only_if_there_is_more(world: World, gp: str, reader: CheckedClient) -> None:
    for _ in range(PAGE_SIZE):
        world.case(gp)
    assert not following(reader.get("/review/").text)
    world.case(gp)
    assert following(reader.get("/review/").text)


@pytest.mark.parametrize("cursor", ["junk", "~~", "nan~0~0", "inf~0~0", "1e400~1~1", "-inf~0~0", "0.0~-99~1"])
def test_a_made_up_place_in_the_list_does_no_harm(world: World, gp: str, reader: CheckedClient, cursor: str) -> None:
    world.case(gp)
    assert reader.get("/review/", query_string={"after": cursor}).status_code == 200


def test_the_number_of_queries_does_not_grow_with_the_list(app: Flask, world: World, gp: str, reader) -> None:
    def queries() -> int:
        with counted_queries(app) as statements:
            assert reader.get("/review/").status_code == 200
        return len(statements)

    world.analyse(world.case(gp), 0.9)
    few = queries()
    for _ in range(6):
        number = world.case(gp, images=2)
        world.analyse(number, 0.9)
        take(reader, number)
    assert queries() <= few + 1
    assert few <= 16


def test_the_counts_are_of_open_cases(world: World, gp: str, reader: CheckedClient) -> None:
    done, certain, _waiting = (world.case(gp) for _ in range(3))
    world.analyse(certain, 0.5)
    take(reader, done)
    decide(reader, done)
    page = " ".join(reader.get("/review/").text.split())
    assert "2 open cases" in page
    assert "1 needs a person" in page


def test_a_decided_case_leaves_the_list(world: World, gp: str, reader: CheckedClient) -> None:
    done, left = world.case(gp), world.case(gp)
    take(reader, done)
    decide(reader, done)
    assert whole_list(reader) == [left]


def test_a_case_that_is_being_read_stays_and_names_its_reader(world: World, gp: str, reader, sign_in) -> None:
    number = world.case(gp)
    take(sign_in(world.user(Role.DERMATOLOGIST, name="Test Other")), number)
    page = reader.get("/review/").text
    assert rows(page) == [number]
    assert "Claimed by Test Other until" in page
    assert f"Review case {number}" not in page


def test_the_own_case_can_be_gone_on_with(world: World, gp: str, reader: CheckedClient) -> None:
    number = world.case(gp)
    take(reader, number)
    assert f"Continue reviewing case {number}" in reader.get("/review/").text


def test_another_cancer_is_named_even_where_bcc_is_unlikely(world: World, gp: str, reader: CheckedClient) -> None:
    number = world.case(gp)
    world.analyse(number, 0.01, melanoma=0.81)
    assert re.search(r"Melanoma suspected \(81 %\)", reader.get("/review/").text)
    take(reader, number)
    assert re.search(r">Suspected: Melanoma 81 %", reader.get(f"/review/{number}").text)


def test_an_image_without_an_answer_shows_unknown(world: World, gp: str, reader: CheckedClient) -> None:
    world.analyse(world.case(gp), None)
    page = reader.get("/review/").text
    assert "unknown" in page
    assert "Needs a person" in page
    assert "The model gave no usable answer." in page
