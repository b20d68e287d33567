"""Management options: order, offer and the reassuring flag apply to new decisions and leave old ones alone."""

import re

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import actions, count, stored_case
from tests.web.reading import decide, take
from tests.web_client import CheckedClient
from webapp.models import CaseState, Management, ManagementOption, Role

SHIPPED = ["urgent_referral", "biopsy", "routine_clinic", "reassure", "retake"]


def form(order: list[str] = SHIPPED, off: tuple[str, ...] = (), reassuring: tuple[str, ...] = ("reassure",)) -> dict:
    """The filled-in form; an unticked box is not sent."""
    places = {f"place_{code}": str(place) for place, code in enumerate(order, start=1)}
    ticked = [f"active_{code}" for code in order if code not in off] + [f"reassuring_{code}" for code in reassuring]
    return places | dict.fromkeys(ticked, "y")


def save(admin: CheckedClient, **changes):
    return admin.submit("/admin/management", form(**changes))


def offered(reader: CheckedClient, number: str) -> list[str]:
    return re.findall(r'name="management"[^>]*value="(\w+)"', reader.get(f"/review/{number}").text)


def case_in_hand(world: World, reader: CheckedClient, probability: float = 0.02) -> str:
    number = world.case(world.user(Role.GP))
    world.analyse(number, probability)
    take(reader, number)
    return number


def test_before_any_change_everything_is_offered_as_shipped(app: Flask, world: World, admin, reader) -> None:
    assert offered(reader, case_in_hand(world, reader)) == SHIPPED == [management.value for management in Management]
    page = admin.get("/admin/management").text
    assert len(re.findall(r'name="active_\w+"[^>]*>', page)) == 5
    assert re.findall(r'<input (?=[^>]*checked)[^>]*name="reassuring_(\w+)"', page) == ["reassure"]
    assert count(app, ManagementOption) == 0


def test_order_and_offer_as_the_clinic_wants_it(app: Flask, world: World, admin, reader) -> None:
    order = ["biopsy", "retake", "urgent_referral", "reassure", "routine_clinic"]
    assert save(admin, order=order, off=("retake",)).status_code == 302
    assert offered(reader, case_in_hand(world, reader)) == ["biopsy", "urgent_referral", "reassure", "routine_clinic"]
    page = admin.get("/admin/management").text
    assert re.findall(r'name="active_(\w+)"', page) == order


def test_what_is_not_on_offer_cannot_be_chosen(app: Flask, world: World, admin, reader) -> None:
    number = case_in_hand(world, reader)
    save(admin, off=("biopsy",))
    answer = decide(reader, number, management="biopsy")
    assert answer.status_code == 422
    with stored_case(app, number) as case:
        assert case.reviews == []


def test_an_old_decision_stays_readable(world: World, admin, reader, sign_in) -> None:
    gp = world.user(Role.GP)
    number = world.case(gp)
    world.analyse(number, 0.9)
    take(reader, number)
    decide(reader, number, diagnosis="bcc", management="biopsy")
    save(admin, off=("biopsy",))
    assert "Biopsy" in sign_in(gp).get(f"/cases/{number}").text
    assert "Biopsy" in reader.get("/review/decided").text


def test_a_reassuring_choice_needs_a_reason_where_the_model_sees_bcc(app: Flask, world: World, admin, reader) -> None:
    free, bound = case_in_hand(world, reader, 0.9), case_in_hand(world, reader, 0.9)
    assert decide(reader, free, management="routine_clinic").status_code == 302
    save(admin, reassuring=("reassure", "routine_clinic"))
    assert decide(reader, bound, management="routine_clinic").status_code == 422
    with stored_case(app, bound) as case:
        assert case.state is CaseState.IN_REVIEW
    assert decide(reader, bound, management="routine_clinic", override_reason="Seen in person.").status_code == 302


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"reassuring": ()}, "“No appointment” is always reassuring."),
        ({"reassuring": ("reassure", "retake")}, "cannot be reassuring"),
        ({"off": ("urgent_referral", "biopsy", "routine_clinic")}, "must be available"),
        ({"off": ("urgent_referral", "biopsy"), "reassuring": ("reassure", "routine_clinic")}, "must be available"),
    ],
)
def test_an_unsafe_list_is_refused_and_what_was_chosen_is_kept(app: Flask, admin, changes: dict, message: str) -> None:
    answer = save(admin, **changes)
    assert answer.status_code == 422
    assert message in answer.text
    ticked = re.findall(r'<input (?=[^>]*checked)[^>]*name="active_(\w+)"', answer.text)
    assert ticked == [code for code in SHIPPED if code not in changes.get("off", ())]
    assert count(app, ManagementOption) == 0


@pytest.mark.parametrize("place", ["", "0", "6", "x"])
def test_a_made_up_place_is_refused(app: Flask, admin: CheckedClient, place: str) -> None:
    answer = admin.submit("/admin/management", {**form(), "place_biopsy": place})
    assert answer.status_code == 422
    assert count(app, ManagementOption) == 0


def test_two_at_the_same_place_keep_their_order(world: World, admin: CheckedClient, reader: CheckedClient) -> None:
    admin.submit("/admin/management", {**form(), "place_biopsy": "1", "place_retake": "1"})
    expected = ["urgent_referral", "biopsy", "retake", "routine_clinic", "reassure"]
    assert offered(reader, case_in_hand(world, reader)) == expected


def test_each_change_is_noted_and_no_change_is_not(app: Flask, admin: CheckedClient) -> None:
    save(admin)
    assert actions(app) == []
    save(admin, off=("retake",))
    assert actions(app) == ["management.changed"]
    assert "Management option" in admin.get("/admin/audit").text
    assert "active: yes → no" in admin.get("/admin/audit").text
