"""The worklist: in order of rank, then of waiting time; every case exactly once."""

import re
from datetime import timedelta
from random import Random

import pytest
from flask import Flask

from tests.cards import card, entry
from tests.conftest import World, outcome
from tests.web.helpers import change_case, counted_queries, words
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp.models import CaseState, Role, Urgency, utcnow
from webapp.review.worklist_queries import PAGE_SIZE
from webapp.triage.rank import Section


def rows(page: str) -> list[str]:
    return re.findall(r'<th scope="row"[^>]*>\s*<a href="/review/(DT-\w+)["?]', page)


def headed(page: str) -> list[str]:
    """Section headings and cases, in the order of the page."""
    found = re.findall(r'<th scope="rowgroup"[^>]*>([^<]+)|<th scope="row"[^>]*>\s*<a href="/review/(DT-\w+)', page)
    return [(section or number).strip() for section, number in found]


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
    assert few <= 19


def test_the_counts_are_of_open_cases(world: World, gp: str, reader: CheckedClient) -> None:
    done, certain, _waiting = (world.case(gp) for _ in range(3))
    world.analyse(certain, 0.5)
    take(reader, done)
    decide(reader, done)
    page = " ".join(reader.get("/review/").text.split())
    assert "2 open cases" in page
    assert "Needs a person <strong>1</strong>" in page


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
    assert re.search(r"Test Other</span><span class=\"second\">until <time", page)
    assert f"Review case {number}" not in page


def test_the_own_case_can_be_gone_on_with(world: World, gp: str, reader: CheckedClient) -> None:
    number = world.case(gp)
    take(reader, number)
    assert f"Continue reviewing case {number}" in reader.get("/review/").text


def leads(page: str) -> list[tuple[str, str]]:
    """(what is said first, what is said beside it) of each row."""
    return re.findall(r'<strong class="lead-\w+">([^<]*)</strong><span class="second" title="[^"]*">([^<]*)<', page)


def lead(client: CheckedClient) -> tuple[str, str]:
    """The same of the only row."""
    (found,) = leads(client.get("/review/").text)
    return found


def test_the_likeliest_suspicion_leads_even_where_bcc_is_unlikely(world: World, gp: str, reader) -> None:
    number = world.case(gp)
    world.analyse(number, 0.01, melanoma=0.81)
    assert lead(reader) == ("Melanoma 81 %", "")
    take(reader, number)
    assert "Melanoma 81 % suspected" in words(reader.get(f"/review/{number}").text)


def test_what_else_is_suspected_stands_beside_it(world: World, gp: str, reader) -> None:
    world.analyse(world.case(gp), 0.97, melanoma=0.4)
    assert lead(reader) == ("BCC 97 %", "Also melanoma 40 %")


POINT = {"target_sensitivity": 0.95, "threshold": 0.01, "sensitivity": 0.95, "specificity": 0.5}


def test_a_suspicion_leads_what_is_likelier_but_not_suspected(world: World, gp: str, reader) -> None:
    """Each cancer has its own operating point."""
    world.analyse(world.case(gp), 0.08, scc=0.02, card=card(entry("SCC", operating_points=[POINT])))
    assert lead(reader)[0] == "SCC 2 %"


def test_without_a_suspicion_the_likeliest_cancer_is_named(world: World, gp: str, reader) -> None:
    world.analyse(world.case(gp), 0.01, melanoma=0.1)
    assert lead(reader) == ("Melanoma 10 %", "No cancer suspected")


def test_an_image_without_a_usable_result_leads_and_says_why(world: World, gp: str, reader: CheckedClient) -> None:
    world.analyse(world.case(gp), None)
    assert lead(reader) == ("Model uncertain", "The model gave no usable answer")


CLINICAL = {"code": "clinical_photograph", "message": "Looks like a close-up."}


def test_what_is_no_dermoscopy_is_not_led_by_its_probability(world: World, gp: str, reader) -> None:
    world.analyse(world.case(gp), 0.94, needs_person=True, reasons=[CLINICAL])
    assert lead(reader) == ("Not dermoscopy", "Looks like a close-up · BCC 94 %, not trusted")


def test_a_trusted_suspicion_leads_an_image_without_one(app: Flask, world: World, gp: str, reader) -> None:
    number = world.case(gp, images=2)
    world.finish(number, outcome(0.94), most=1)
    world.analyse(number, 0.5, needs_person=True, reasons=[CLINICAL])
    assert lead(reader) == ("BCC 94 %", "1 of 2 images: not dermoscopy")


def test_a_calm_image_does_not_lead_one_without_a_result(world: World, gp: str, reader) -> None:
    number = world.case(gp, images=2)
    world.finish(number, outcome(0.01), most=1)
    assert lead(reader)[0] == "Not analysed yet"


def test_sections_print_their_number_and_their_order(each_section: list[str], reader: CheckedClient) -> None:
    heads = re.findall(r'<th scope="rowgroup"[^>]*>(.+?)</th>', reader.get("/review/").text)
    assert [words(head) for head in heads] == [f"{s.label} 1 {s.order}" for s in Section]


def test_a_section_counts_what_matches_on_every_page(world: World, gp: str, reader: CheckedClient) -> None:
    for urgency in [Urgency.SOON] * 2 + [Urgency.ROUTINE]:
        world.case(gp, urgency=urgency)
    assert "Needs a person 2" in words(reader.get("/review/?urgency=soon").text)


@pytest.mark.parametrize(("hours", "said"), [(5, "5 h left"), (-3, "3 h overdue"), (24 * 6 + 1, "6 days left")])
def test_the_time_left_is_said(app: Flask, world: World, gp: str, reader, hours: float, said: str) -> None:
    number = world.case(gp, urgency=Urgency.SOON)
    change_case(
        app, number, waiting_since=utcnow() + timedelta(hours=hours, minutes=1 if hours > 0 else -1) - timedelta(days=7)
    )
    assert f"Soon {said}" in words(reader.get("/review/").text)


def test_other_open_cases_of_the_patient_are_marked(app: Flask, world: World, gp: str, reader: CheckedClient) -> None:
    elsewhere = world.user(Role.GP, centre="Test Centre B")
    first, second, closed, other, theirs = (world.case(who) for who in (gp, gp, gp, gp, elsewhere))
    for number, reference in ((first, "pc-1"), (second, "PC-1"), (closed, "PC-1"), (other, "PC-2"), (theirs, "PC-1")):
        change_case(app, number, patient_reference=reference)
    change_case(app, closed, is_open=False, state=CaseState.CLOSED)
    page = reader.get("/review/").text
    assert page.count("1 more open") == 2
    mark = re.search(r'<a class="others" href="([^"]+)"', page)
    assert mark is not None
    assert rows(reader.get(mark.group(1).replace("&amp;", "&")).text) == [first, second]
