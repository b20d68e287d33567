"""Withdrawn: with a reason, which the reader is told; the claim ends, and the case can be sent again."""

import re

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import WITHDRAWAL, actions, number_of, send, stored_case, words
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp.models import CaseState, Role

SAID = "Wrong &lt;patient&gt;."


@pytest.fixture
def client(gp: str, sign_in) -> CheckedClient:
    return sign_in(gp)


def withdraw(client: CheckedClient, number: str, **reason: str):
    return client.submit(f"/cases/{number}/withdraw", reason or WITHDRAWAL, page=f"/cases/{number}")


@pytest.mark.parametrize("reason", ["", "  ", "x" * 301])
def test_it_needs_a_reason_and_says_so(app: Flask, world: World, gp: str, client, reason: str) -> None:
    number = world.case(gp)
    refused = withdraw(client, number, reason=reason)
    assert refused.status_code == 422
    assert "There is a problem" in refused.text
    assert re.search(r'<details class="withdraw" open', refused.text)
    with stored_case(app, number) as case:
        assert case.is_open
    assert "case.withdrawn" not in actions(app)


def test_who_was_reading_is_told_why_and_the_claim_ends(app: Flask, world: World, gp: str, client, reader) -> None:
    number = world.case(gp)
    take(reader, number)
    assert withdraw(client, number).status_code == 302
    page = reader.get(f"/review/{number}").text
    assert "Withdrawn by the GP" in page
    assert SAID in page
    late = decide(reader, number, advice="My words")
    assert late.status_code == 409
    assert f"The GP has withdrawn this case. Reason: {SAID}" in words(late.text)
    assert "My words" in late.text
    with stored_case(app, number) as case:
        assert [claim.released_at for claim in case.claims] == [case.closed_at]
    assert SAID in client.get(f"/cases/{number}").text


def test_a_decision_by_a_colleague_is_not_called_a_withdrawal(world: World, gp: str, reader, sign_in) -> None:
    number = world.case(gp)
    other = sign_in(world.user(Role.DERMATOLOGIST, name="Test Other"))
    take(other, number)
    decide(other, number)
    late = decide(reader, number)
    assert "The case was decided by Test Other while you were reviewing it." in words(late.text)


def test_it_can_be_sent_again_with_the_same_photograph(app: Flask, client) -> None:
    first = number_of(send(client))
    again = send(client, send_anyway="")
    assert again.status_code == 422
    assert f"already sent with case {first}" in again.text
    withdraw(client, first)
    assert f"/cases/new?again={first}" in client.get(f"/cases/{first}").text
    page = client.get(f"/cases/new?again={first}").text
    for kept in ("PC-7/2026", "Shiny nodule since spring.", "BCC?"):
        assert kept in page
    assert re.search(r'<input[^>]*checked[^>]*value="face"', page)
    assert f'in <a href="/cases/{first}' not in page, "it follows nothing"
    second = number_of(send(client))
    with stored_case(app, second) as case:
        assert case.state is CaseState.SUBMITTED
        assert "already_sent" not in case.images[0].quality_flags
    assert client.get(f"/cases/new?again={second}").status_code == 409


def test_only_a_case_of_the_own_centre_is_sent_again(world: World, gp: str, sign_in) -> None:
    number = world.case(gp)
    assert sign_in(world.user(Role.GP, centre="Test Centre B")).get(f"/cases/new?again={number}").status_code == 404
