"""Centres: added, renamed, closed."""

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.helpers import actions, centre_id, count
from tests.web_client import CheckedClient
from webapp.models import Centre, Role


def add(admin: CheckedClient, name: str):
    return admin.submit("/admin/centres/new", {"name": name})


def page_of(app: Flask, name: str) -> str:
    return f"/admin/centres/{centre_id(app, name)}"


def test_a_centre_is_added_and_listed(app: Flask, admin: CheckedClient) -> None:
    assert "No centres yet" in admin.get("/admin/centres").text
    assert add(admin, "  Test Centre  ").status_code == 302
    assert "Test Centre was added" in admin.get("/admin/centres").text
    assert actions(app) == ["centre.added"]


@pytest.mark.parametrize("name", ["Test Centre", "test centre", " TEST CENTRE "])
def test_one_centre_a_name(app: Flask, admin: CheckedClient, name: str) -> None:
    add(admin, "Test Centre")
    answer = add(admin, name)
    assert answer.status_code == 422
    assert "already a centre with this name" in answer.text
    assert count(app, Centre) == 1


@pytest.mark.parametrize("name", ["Centro Ávila", "CENTRO ÁVILA"])
def test_one_centre_a_name_with_accents(app: Flask, admin: CheckedClient, name: str) -> None:
    add(admin, "Centro Ávila")
    assert add(admin, name).status_code == 422
    assert count(app, Centre) == 1


@pytest.mark.parametrize(
    ("name", "message"), [("", "Enter a centre name"), ("  ", "Enter a centre name"), ("x" * 121, "120")]
)
def test_a_bad_name_is_refused(app: Flask, admin: CheckedClient, name: str, message: str) -> None:
    answer = add(admin, name)
    assert answer.status_code == 422
    assert message in answer.text
    assert count(app, Centre) == 0


def test_a_centre_is_renamed_but_not_to_anothers_name(app: Flask, admin: CheckedClient) -> None:
    add(admin, "Test One")
    add(admin, "Test Two")
    page = page_of(app, "Test Two")
    assert admin.submit(page, {"name": "TEST ONE", "active": "y"}).status_code == 422
    assert admin.submit(page, {"name": "TEST TWO", "active": "y"}).status_code == 302
    assert "TEST TWO" in admin.get("/admin/centres").text


def test_a_closed_centre_takes_no_new_gp_and_keeps_its_cases(
    app: Flask, world: World, admin: CheckedClient, sign_in
) -> None:
    gp = world.user(Role.GP)
    number = world.case(gp)
    page = page_of(app, "Test Centre A")
    admin.submit(page, {"name": "Test Centre A"})  # the box unticked
    assert "Inactive" in admin.get("/admin/centres").text
    assert "Test Centre A" not in admin.get("/admin/accounts/new").text
    assert sign_in(gp).get(f"/cases/{number}").status_code == 200


def test_a_saved_form_without_a_change_leaves_no_trace(app: Flask, admin: CheckedClient) -> None:
    add(admin, "Test Centre")
    admin.submit(page_of(app, "Test Centre"), {"name": "Test Centre", "active": "y"})
    assert actions(app) == ["centre.added"]


def test_members_are_counted(world: World, admin: CheckedClient) -> None:
    for active in (True, True, False):
        world.user(Role.GP, active=active)
    assert '<td data-label="Active GPs">2</td>' in admin.get("/admin/centres").text
