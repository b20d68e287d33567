"""A copied cookie dies with the session; impossible ids and control characters get a polite response."""

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import stored_case
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp.models import CaseState, Role

HUGE = 10**30


def test_a_copied_cookie_is_dead_after_sign_out(app: Flask, world: World, sign_in) -> None:
    client = sign_in(world.user(Role.GP))
    cookie = client.get_cookie("dermtriage")
    assert cookie is not None
    thief = app.test_client()
    thief.set_cookie("dermtriage", cookie.value)
    assert thief.get("/cases/").status_code == 200
    client.submit("/logout", page="/cases/")
    assert thief.get("/cases/").status_code == 302


@pytest.mark.parametrize("path", [f"/media/images/{HUGE}", f"/media/heatmaps/{HUGE}", "/media/images/0"])
def test_an_impossible_id_is_not_found(world: World, sign_in, path: str) -> None:
    assert sign_in(world.user(Role.GP)).get(path).status_code == 404


@pytest.mark.parametrize("cursor", [f"0.5~0~{HUGE}", "nan~0~1", "inf~0~1", f"0.5~{HUGE}~1"])
def test_an_impossible_cursor_shows_the_top(world: World, sign_in, cursor: str) -> None:
    assert sign_in(world.user(Role.DERMATOLOGIST)).get(f"/review/?after={cursor}").status_code == 200


def test_nul_is_refused_wherever_it_stands(world: World, sign_in) -> None:
    client = sign_in(world.user(Role.GP))
    assert client.get("/cases/?q=%00").status_code == 400
    assert client.get("/cases/%00x").status_code == 400
    assert client.submit("/cases/new", {"history": "a\x00b"}).status_code == 400


def test_a_case_that_one_never_opened_cannot_be_decided(world: World, sign_in) -> None:
    number = world.case(world.user(Role.GP))
    reader: CheckedClient = sign_in(world.user(Role.DERMATOLOGIST))
    data = {"csrf_token": reader.token("/review/"), "diagnosis": "benign", "management": "biopsy"}
    assert reader.post(f"/review/{number}/decide", data=data).status_code == 409
    take(reader, number)
    assert decide(reader, number).status_code == 302


def test_a_case_being_read_stays_so_when_its_analysis_arrives(app: Flask, world: World, sign_in) -> None:
    number = world.case(world.user(Role.GP))
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    world.analyse(number, 0.3)
    with stored_case(app, number) as case:
        assert case.state is CaseState.IN_REVIEW


def test_no_appointment_before_the_model_has_answered_needs_a_reason(world: World, sign_in) -> None:
    number = world.case(world.user(Role.GP))
    reader = sign_in(world.user(Role.DERMATOLOGIST))
    take(reader, number)
    refused = decide(reader, number, management="reassure")
    assert refused.status_code == 422
    assert "no trusted result of the model" in refused.text
    assert decide(reader, number, management="reassure", override_reason="Seen in person.").status_code == 302
