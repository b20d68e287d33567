"""An answer that cannot wait looks different, and stands first in the list until it is opened."""

import re

import pytest

from tests.conftest import World
from tests.web.helpers import words
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp.models import Role

PRESSING = "Open the case to read the answer now: the patient needs an early appointment"
FIRST = "Open these answers first"


@pytest.fixture
def client(gp: str, sign_in) -> CheckedClient:
    return sign_in(gp)


def answered(world: World, gp: str, reader: CheckedClient, **decision: object) -> str:
    number = world.case(gp)
    take(reader, number)
    assert decide(reader, number, **decision).status_code == 302
    return number


def order(page: str) -> list[str]:
    return re.findall(r'href="/cases/(DT-\w+)"', page)


@pytest.mark.control("H5.1")
@pytest.mark.parametrize("management", ["biopsy", "urgent_referral"])
def test_it_stands_first_until_it_is_opened(world: World, gp: str, client, reader, management: str) -> None:
    pressing = answered(world, gp, reader, diagnosis="bcc", management=management)
    calm = answered(world, gp, reader)
    newest = world.case(gp)
    for address in ("/cases/", "/cases/list"):
        page = client.get(address).text
        assert order(page) == [pressing, calm, newest], "once, and before newer ones"
        assert FIRST in page
        assert words(page).count(PRESSING) == 1
    assert order(client.get("/cases/?only=to_read").text) == [pressing, calm]
    assert "answer-card presses" in client.get(f"/cases/{pressing}").text
    assert "Act on this now" in client.get(f"/cases/{pressing}").text
    page = client.get("/cases/").text
    assert (FIRST in page, PRESSING in page) == (False, False)
    assert order(page) == [calm, newest, pressing]
    assert "answer-card presses" not in client.get(f"/cases/{calm}").text


def test_a_request_for_images_does_not_press(world: World, gp: str, client, reader) -> None:
    number = answered(world, gp, reader, diagnosis="uncertain", management="retake", advice="Closer, please.")
    assert FIRST not in client.get("/cases/").text
    assert "presses" not in client.get(f"/cases/{number}").text


def test_another_centre_is_not_told(world: World, gp: str, reader, sign_in) -> None:
    answered(world, gp, reader, diagnosis="bcc", management="biopsy")
    assert FIRST not in sign_in(world.user(Role.GP, centre="Test Centre B")).get("/cases/").text
