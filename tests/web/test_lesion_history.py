"""Cases of the same lesion: linked by the GP, shown side by side to GP and dermatologist."""

import re

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import actions, change_case, counted_queries, number_of, send, stored_case, words
from tests.web.test_follow import answered
from tests.web_client import CheckedClient
from webapp.cases import queries
from webapp.models import CaseState, Role


@pytest.fixture
def email(world: World) -> str:
    return world.user(Role.GP)


@pytest.fixture
def gp(email: str, sign_in) -> CheckedClient:
    return sign_in(email)


def follow(client: CheckedClient, number: str, earlier: str) -> int:
    return client.submit(f"/cases/{number}/follow", {"follows": earlier}, page="/cases/new").status_code


def shown(page: str) -> list[str]:
    """The earlier cases in the history, in order."""
    (strip,) = re.findall(r"This lesion before:(.*?)</p>", page, re.DOTALL) or [""]
    return re.findall(r'<h3><a href="/cases/(DT-\w+)"', page) + re.findall(r'<a href="/review/(DT-\w+)"', strip)


def test_the_history_goes_back_step_by_step_for_gp_and_dermatologist(
    app: Flask, world: World, email: str, gp: CheckedClient, sign_in
) -> None:
    first, second, third = (world.case(email, images=2) for _ in range(3))
    answered(world, sign_in, first, diagnosis="bcc", management="biopsy")
    assert (follow(gp, second, first), follow(gp, third, second)) == (302, 302)
    gp.get(f"/cases/{first}")
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    for client, path in ((gp, "cases"), (reader, "review")):
        page = client.get(f"/{path}/{third}").text
        assert shown(page) == [second, first]
        assert re.search("basal cell carcinoma[.,] biopsy", re.sub(r"\s+", " ", words(page)).replace(" .", "."), re.I)
        earlier = list(re.findall(r'alt="Image \d of (?:the earlier )?case (DT-\w+)', page))
        assert earlier.count(first) == earlier.count(second) == 2, "every image of each case"
        assert shown(client.get(f"/{path}/{first}").text) == []
    assert actions(app).count("case.follows") == 2


def test_only_earlier_cases_of_the_same_patient_and_centre_can_be_chosen(
    app: Flask, world: World, email: str, gp: CheckedClient
) -> None:
    foreign = world.case(world.user(Role.GP, centre="Test Centre B"))
    other_patient = world.case(email, patient_reference="TEST-2")
    withdrawn = world.case(email)
    change_case(app, withdrawn, state=CaseState.WITHDRAWN, is_open=False)
    earlier = world.case(email, patient_reference="test-1")  # the same patient, spelt otherwise
    number, later = world.case(email), world.case(email)
    choices = re.findall(r'<option[^>]*value="(DT-\w+)"', gp.get(f"/cases/{number}").text)
    assert choices == [earlier]
    for wrong in (foreign, other_patient, withdrawn, number, later, "DT-NOTHING"):
        assert follow(gp, number, wrong) == 404, wrong
    with stored_case(app, number) as case:
        assert case.follows_id is None
    assert "case.follows" not in actions(app)


def test_the_choice_can_be_taken_back(app: Flask, world: World, email: str, gp: CheckedClient) -> None:
    earlier, number = world.case(email), world.case(email)
    follow(gp, number, earlier)
    assert f'selected value="{earlier}"' in gp.get(f"/cases/{number}").text
    follow(gp, number, earlier)
    follow(gp, number, "")
    assert shown(gp.get(f"/cases/{number}").text) == []
    assert actions(app).count("case.follows") == 2, "saying the same again is no change"


def test_another_centre_can_neither_follow_nor_say_so(world: World, email: str, sign_in) -> None:
    earlier, number = world.case(email), world.case(email)
    other = sign_in(world.user(Role.GP, centre="Test Centre B"))
    assert follow(other, number, earlier) == 404
    assert other.get(f"/cases/new?follows={earlier}").status_code == 404
    assert send(other, follows=earlier).status_code == 404


def test_a_new_case_of_a_lesion_begins_with_what_is_known(
    app: Flask, world: World, email: str, gp: CheckedClient, sign_in
) -> None:
    earlier = world.case(email, patient_reference="TEST-9", birth_year=1950, phototype=3, history="Old words.")
    answered(world, sign_in, earlier)
    link = re.search(r'href="([^"]+)">New case for this lesion', gp.get(f"/cases/{earlier}").text)
    assert link
    page = gp.get(link.group(1)).text
    for text in ('value="TEST-9"', 'value="1950"', 'selected value="3"', f"case {earlier}"):
        assert text in page, text
    (chosen,) = re.findall(r'<input [^>]*checked[^>]*name="body_site"[^>]*>', page)
    assert 'value="back"' in chosen
    assert "Old words." not in page
    number = number_of(send(gp, follows=earlier, patient_reference="TEST-9"))
    assert shown(gp.get(f"/cases/{number}").text) == [earlier]


def test_a_follow_up_under_another_reference_is_refused(
    app: Flask, world: World, email: str, gp: CheckedClient
) -> None:
    earlier = world.case(email, patient_reference="TEST-9")
    response = send(gp, follows=earlier, patient_reference="TEST-8")
    assert response.status_code == 422
    assert f"Case {earlier} has a different patient reference" in response.text
    assert f'name="follows" type="hidden" value="{earlier}"' in response.text, "what was chosen is kept"


def test_a_long_history_costs_no_more_queries(app: Flask, world: World, email: str, gp: CheckedClient) -> None:
    numbers = [world.case(email) for _ in range(8)]
    counts = []
    for number, earlier in zip(numbers[1:], numbers, strict=False):
        follow(gp, number, earlier)
        with counted_queries(app) as queries:
            page = gp.get(f"/cases/{number}").text
        counts.append(len(queries))
    assert shown(page) == numbers[-2::-1]
    assert counts[1] == counts[-1]


def test_a_patient_may_have_more_cases_than_the_choices_show(
    app: Flask, world: World, email: str, gp: CheckedClient, monkeypatch
) -> None:
    monkeypatch.setattr(queries, "PAGE_SIZE", 2)
    first, *_others, number = (world.case(email) for _ in range(5))
    assert first not in gp.get(f"/cases/{number}").text
    assert follow(gp, number, first) == 302
    page = gp.get(f"/cases/{number}").text
    assert f'selected value="{first}"' in page, "what is chosen stays a choice, so that saving again changes nothing"
    again = number_of(send(gp, follows=first, patient_reference="TEST-1"))
    assert shown(gp.get(f"/cases/{again}").text) == [first]
