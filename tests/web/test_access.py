"""Deny by default: the access table names every endpoint, and means what it says."""

import pytest
from flask import Flask
from werkzeug.routing import IntegerConverter

from webapp.access import ACCESS, PUBLIC
from webapp.models import Role


def endpoints(app: Flask) -> set[str]:
    return {rule.endpoint for rule in app.url_map.iter_rules()}


def test_every_endpoint_has_a_decision_and_every_decision_an_endpoint(app: Flask) -> None:
    assert endpoints(app) == set(ACCESS)


def paths(app: Flask) -> list[tuple[str, str, str]]:
    """(endpoint, method, path) of everything that can be asked for, with ids that exist nowhere."""
    found = []
    for rule in app.url_map.iter_rules():
        numbers = {name for name, converter in rule._converters.items() if isinstance(converter, IntegerConverter)}
        values: dict[str, object] = {name: 987654 if name in numbers else "x" for name in rule.arguments}
        path = app.url_map.bind("localhost").build(rule.endpoint, values)
        found += [(rule.endpoint, method, path) for method in (rule.methods or set()) & {"GET", "POST"}]
    return found


@pytest.mark.parametrize("role", [*Role, None])
def test_each_role_reaches_exactly_what_the_table_says(app: Flask, world, sign_in, role: Role | None) -> None:
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # the question here is the role; CSRF has a test of its own
    client = sign_in(world.user(role)) if role else app.test_client()
    for endpoint, method, path in paths(app):
        if endpoint == "security.logout":
            continue
        allowed = ACCESS[endpoint]
        response = client.open(path, method=method)
        to_login = response.status_code == 302 and response.location.startswith("/login")
        if allowed is PUBLIC:
            assert response.status_code != 403, (endpoint, method)
        elif role is None:
            assert to_login, (endpoint, method, response.status_code)
        elif role in allowed:
            assert response.status_code != 403, (endpoint, method)
            assert not to_login, (endpoint, method)
        else:
            assert response.status_code == 403, (endpoint, method, response.status_code)


def test_an_endpoint_that_the_table_forgot_lets_nobody_in(app: Flask, world, sign_in, monkeypatch) -> None:
    client = sign_in(world.user(Role.ADMIN))
    monkeypatch.delitem(ACCESS, "admin.accounts")
    assert client.get("/admin/accounts").status_code == 403


def test_a_disabled_account_is_out_with_its_next_click(app: Flask, world, sign_in) -> None:
    admin, gp = world.user(Role.ADMIN), world.user(Role.GP)
    at_work = sign_in(gp)
    assert at_work.get("/cases/").status_code == 200
    with app.app_context():
        from webapp.accounts import queries

        user_id = queries.by_email(gp).id  # type: ignore[union-attr]
    sign_in(admin).submit(f"/admin/accounts/{user_id}/disable", page=f"/admin/accounts/{user_id}")
    assert at_work.get("/cases/").status_code == 302
    assert "Sign in" in at_work.submit("/login", {"email": gp, "password": "four unrelated clinic words"}).text


@pytest.mark.parametrize("path", ["/login", "/cases/new", "/logout", "/change"])
def test_a_post_without_token_is_refused(world, sign_in, path: str) -> None:
    client = sign_in(world.user(Role.GP))
    response = client.post(path, data={})
    assert response.status_code == 400
    assert "This form has expired" in response.text
