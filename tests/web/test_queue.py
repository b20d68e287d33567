"""The filter chosen is the queue that is worked: next, the case after a decision and the way back stay inside it."""

import re

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import change_case
from tests.web.reading import all_of, take
from tests.web.test_filters import waits_since
from tests.web.test_worklist import rows
from tests.web_client import CheckedClient
from webapp.models import Role, Urgency

SOON = "?urgency=soon"


@pytest.fixture
def line(world: World, gp: str) -> list[str]:
    """Soon, urgent, soon: of all, the urgent one comes first."""
    found = [world.case(gp, urgency=Urgency(urgency)) for urgency in ("soon", "urgent", "soon")]
    for number in found:
        world.analyse(number, 0.02)
    return found


def next_of(client: CheckedClient, queue: str = "") -> str:
    return str(client.submit(f"/review/next{queue}", {}, page="/profile").location)


def decided(client: CheckedClient, number: str, queue: str = "") -> str:
    """Where a decision leads."""
    form = {"diagnosis": "benign", "management": "routine_clinic", "shown": all_of(client, number)}
    return str(client.submit(f"/review/{number}/decide{queue}", form, page="/profile").location)


def test_next_stays_inside(line: list[str], reader: CheckedClient) -> None:
    first, urgent, _second = line
    assert next_of(reader, SOON) == f"/review/{first}{SOON}"
    assert next_of(reader) == f"/review/{urgent}"


def test_the_case_after_a_decision_stays_inside(line: list[str], reader: CheckedClient) -> None:
    first, _urgent, second = line
    take(reader, first)
    assert decided(reader, first, SOON) == f"/review/{second}{SOON}"
    take(reader, second)
    assert decided(reader, second, SOON) == f"/review/{SOON}", "the queue's own list, although the urgent case is open"


def test_next_says_that_only_this_list_is_at_its_end(line: list[str], reader: CheckedClient) -> None:
    assert next_of(reader, "?urgency=routine") == "/review/?urgency=routine"
    assert "There are no unclaimed cases in this list at the moment." in reader.get("/review/").text


def test_every_address_of_a_case_keeps_the_queue(line: list[str], reader: CheckedClient) -> None:
    number = line[0]
    take(reader, number)
    page = reader.get(f"/review/{number}{SOON}").text
    led = re.findall(r'(?:href|action)="(/review/[^"#]*)"', page)
    assert f"/review/{SOON}" in led
    assert f"/review/{number}/decide{SOON}" in led
    assert [address for address in led if not address.endswith(SOON)] == []


def test_the_list_leads_into_its_queue_and_out_of_it(line: list[str], reader: CheckedClient) -> None:
    page = reader.get(f"/review/{SOON}").text
    assert f'href="/review/{line[0]}{SOON}"' in page
    assert f'action="/review/{line[0]}/claim{SOON}"' in page
    assert f'action="/review/next{SOON}"' in page
    assert '<a class="show-all" href="/review/">' in page
    assert 'href="/review/?overdue=1"' in page, "another view is not narrowed by this one"


def test_without_a_filter_addresses_stay_short(line: list[str], reader: CheckedClient) -> None:
    assert "?" not in "".join(re.findall(r'(?:href|action)="(/review/[^"]*)"', reader.get(f"/review/{line[0]}").text))


def test_an_order_is_a_queue_too(app: Flask, line: list[str], reader: CheckedClient) -> None:
    first, urgent, second = line
    for number, days in ((first, 1), (urgent, 0.1), (second, 6)):  # 6, 1.9 and 1 days left
        waits_since(app, number, days=days)
    assert rows(reader.get("/review/?order=due").text) == [second, urgent, first]
    assert next_of(reader, "?order=due") == f"/review/{second}?order=due"


def test_what_a_colleague_has_claimed_is_passed_over(world: World, line: list[str], reader, sign_in) -> None:
    first, _urgent, second = line
    take(sign_in(world.user(Role.DERMATOLOGIST)), first)
    assert next_of(reader, SOON) == f"/review/{second}{SOON}"


def test_a_form_sent_after_the_session_ended_goes_back_into_its_queue(app: Flask, line: list[str], reader) -> None:
    number = line[0]
    take(reader, number)
    reader.submit("/logout", {}, page="/profile")
    answer = reader.post(
        f"/review/{number}/decide{SOON}", data={"diagnosis": "bcc"}, headers={"Sec-Fetch-Site": "same-origin"}
    )
    assert f'action="/review/{number}/decide{SOON}"' in answer.text


def test_a_case_that_leaves_the_queue_is_not_next(app: Flask, line: list[str], reader: CheckedClient) -> None:
    change_case(app, line[0], urgency=Urgency.ROUTINE)
    assert next_of(reader, SOON) == f"/review/{line[2]}{SOON}"
