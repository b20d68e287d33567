"""A wrong patient reference, corrected later: used everywhere from then on, and the former stays on the record."""

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import actions, stored_case, words
from tests.web.reading import all_of, decide, take
from tests.web.test_corrections import SAID, answered, correct, form_of
from tests.web.test_unread import to_read
from tests.web_client import CheckedClient

pytestmark = pytest.mark.usefixtures("letters_in_words")


@pytest.fixture
def client(gp: str, sign_in) -> CheckedClient:
    return sign_in(gp)


def test_a_corrected_reference_is_used_everywhere_and_the_former_stays_on_the_record(
    app: Flask, world: World, gp: str, client, reader
) -> None:
    number = answered(world, gp, reader)
    client.get(f"/cases/{number}")
    assert correct(reader, number).status_code == 302
    assert number in client.get("/cases/?q=RIGHT").text
    assert number not in client.get("/cases/?q=TEST-1").text
    assert "Open the case to read what has changed" in words(client.get("/cases/").text)
    for page in (client.get(f"/cases/{number}").text, reader.get(f"/review/{number}").text):
        assert "Patient reference corrected from TEST-1 to RIGHT-1" in words(page)
        assert SAID in page
    assert to_read(client) == []
    assert actions(app).count("case.reference_corrected") == 1
    assert "RIGHT-1" in reader.get(f"/media/letters/{number}.pdf").data.decode()


def test_it_ends_links_with_cases_that_are_now_another_patients(
    app: Flask, world: World, gp: str, client, reader
) -> None:
    first, second, third = (world.case(gp) for _ in range(3))
    for later, earlier in ((second, first), (third, second)):
        client.submit(f"/cases/{later}/follow", {"follows": earlier}, page=f"/cases/{later}")
    assert correct(client, second, "test-1").status_code == 302
    with stored_case(app, third) as case:
        assert case.follows_id, "the same patient, however it is spelt"
    assert correct(client, second).status_code == 302
    assert f"It is no longer linked with {first} and {third}" in words(client.get(f"/cases/{second}").text)
    for number in (second, third):
        with stored_case(app, number) as case:
            assert case.follows_id is None


def test_a_reader_at_work_sees_it_before_deciding(app: Flask, world: World, gp: str, client, reader) -> None:
    number = world.case(gp)
    take(reader, number)
    shown = all_of(reader, number)
    assert correct(client, number).status_code == 302
    refused = decide(reader, number, shown=shown, advice="My words")
    assert refused.status_code == 422
    assert "the patient reference has been corrected" in refused.text
    assert "My words" in refused.text
    assert decide(reader, number).status_code == 302


def test_two_who_correct_do_not_overwrite_each_other(app: Flask, world: World, gp: str, client, reader) -> None:
    number = world.case(gp)
    seen = form_of(client, number)["seen"]
    for _ in range(2):
        assert correct(reader, number, "RIGHT-1", seen=seen).status_code == 302
    late = correct(client, number, "OTHER-2", seen=seen)
    assert late.status_code == 409
    assert "has been changed to RIGHT-1 meanwhile" in late.text
    assert "OTHER-2" in late.text
    with stored_case(app, number) as case:
        assert (case.patient_reference, len(case.corrections)) == ("RIGHT-1", 1)


@pytest.mark.parametrize("reference", ["", "Jane Miller", "x", "no-digits"])
def test_a_reference_is_a_code(world: World, gp: str, client, reference: str) -> None:
    number = world.case(gp)
    assert correct(client, number, reference).status_code == 422


def test_what_looks_like_an_identifier_is_warned_about(app: Flask, world: World, gp: str, client) -> None:
    number = world.case(gp)
    refused = correct(client, number, reason="It was Mrs Miller.")
    assert refused.status_code == 422
    assert "looks like a name" in refused.text
    assert correct(client, number, reason="It was Mrs Miller.", nobody_identified="y").status_code == 302
