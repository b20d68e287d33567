"""The second factor: required by role, each code works once, and there is a way back after losing the phone."""

import threading

import pytest
from flask import Flask

from tests.conftest import PASSWORD, World
from tests.web.authenticator import (
    begin_set_up,
    code_of,
    forget_used_codes,
    give_code,
    give_password,
    recovery_codes,
    set_up,
    stored,
    wrong_code,
)
from tests.web.helpers import SURE, actions, user_id, words
from tests.web_client import CheckedClient, new_client
from webapp.accounts.second_factor import SECONDS_TO_FINISH, SINCE
from webapp.accounts.settings import RECOVERY_CODES
from webapp.core.config import Settings, settings_of
from webapp.models import Role

SIGN_IN = "/login"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"second_factor": True})


@pytest.fixture
def reader(world: World) -> str:
    return world.user(Role.DERMATOLOGIST, name="Test Reader")


@pytest.fixture
def key(app: Flask, reader: str) -> str:
    """The key of a reader whose second factor is set up, and who is not signed in."""
    return set_up(app, reader)


@pytest.fixture
def half_way(client: CheckedClient, reader: str, key: str) -> CheckedClient:
    """The reader's browser after the password."""
    assert give_password(client, reader).location == "/tf-validate?next=/"
    return client


@pytest.mark.parametrize("role", [Role.DERMATOLOGIST, Role.ADMIN])
def test_who_must_have_one_gets_nowhere_without(app: Flask, world: World, client: CheckedClient, role: Role) -> None:
    assert give_password(client, world.user(role)).location == "/tf-setup"
    for path in ("/", "/profile", "/review/", "/admin/accounts", "/mf-recovery-codes"):
        assert client.get(path).location.startswith("/login")
    give_password(client, world.user(role))
    key = begin_set_up(client)
    assert give_code(client, code_of(key)).location == "/"
    assert client.get("/").location == "/mf-recovery-codes"
    assert client.get("/profile").status_code == 200


def test_a_gp_may_do_without(world: World, client: CheckedClient) -> None:
    assert give_password(client, world.user(Role.GP)).status_code == 302
    assert client.get("/cases/").status_code == 200
    assert "Set up two-factor authentication" in client.get("/profile").text


def test_a_gp_sets_it_up_and_switches_it_off(app: Flask, world: World, client: CheckedClient) -> None:
    gp = world.user(Role.GP)
    client.sign_in(gp, PASSWORD)
    key = begin_set_up(client)
    assert give_code(client, wrong_code(key)).status_code == 200, "typed wrongly: the same picture still counts"
    assert give_code(client, code_of(key)).location == "/mf-recovery-codes"
    assert client.get("/profile").status_code == 200, "still signed in here"
    forget_used_codes(app, gp)
    elsewhere = new_client(app)
    assert give_password(elsewhere, gp).location == "/tf-validate?next=/"
    assert give_code(elsewhere, code_of(key)).status_code == 302
    assert elsewhere.get("/cases/").status_code == 200
    client.submit("/tf-setup", {"setup": "disable"})
    assert elsewhere.get("/cases/").status_code == 302, "whoever signed in with it is out"
    assert give_password(new_client(app), gp).location == "/"
    assert [action for action in actions(app) if "sessions" not in action] == [
        "account.second_factor_set",
        "account.second_factor_removed",
    ]


def test_who_must_have_one_cannot_switch_it_off(app: Flask, reader: str, client: CheckedClient) -> None:
    set_up(app, reader, client)
    assert "Turn off two-factor authentication" not in client.get("/tf-setup").text
    assert "requires two-factor authentication" in client.submit("/tf-setup", {"setup": "disable"}).text
    assert stored(app, reader).has_second_factor


def test_somebody_signed_in_before_it_was_required_sets_it_up_now(app: Flask, world: World, monkeypatch) -> None:
    """Including when the requirement is switched on while people are working."""
    loose, strict = settings_of(app).model_copy(update={"second_factor": False}), settings_of(app)
    monkeypatch.setitem(app.extensions, "settings", loose)
    client = new_client(app)
    client.sign_in(world.user(Role.DERMATOLOGIST), PASSWORD)
    token = client.token("/profile")
    assert client.get("/review/").status_code == 200
    monkeypatch.setitem(app.extensions, "settings", strict)
    for path in ("/review/", "/profile", "/help"):
        assert client.get(path).location == "/tf-setup"
    assert client.post("/review/mode", data={"csrf_token": token}).location == "/tf-setup"
    assert client.get("/static/css/dermtriage.css", buffered=True).status_code == 200
    key = begin_set_up(client)
    give_code(client, code_of(key))
    assert client.get("/review/").status_code == 200


def test_the_password_alone_opens_nothing(half_way: CheckedClient) -> None:
    assert half_way.get("/review/").location.startswith("/login")
    assert half_way.get("/profile").location.startswith("/login")


def test_with_the_code_one_is_in(half_way: CheckedClient, key: str) -> None:
    assert give_code(half_way, code_of(key)).status_code == 302
    assert half_way.get("/review/").status_code == 200


@pytest.mark.parametrize("steps", [-1, 1])
def test_a_clock_that_is_half_a_minute_off_is_forgiven(half_way: CheckedClient, key: str, steps: int) -> None:
    assert give_code(half_way, code_of(key, steps)).status_code == 302


@pytest.mark.parametrize("steps", [-4, 4])
def test_a_code_of_another_time_is_refused(half_way: CheckedClient, key: str, steps: int) -> None:
    assert "This code is incorrect" in give_code(half_way, code_of(key, steps)).text


def test_a_code_works_once(app: Flask, half_way: CheckedClient, reader: str, key: str) -> None:
    code = code_of(key)
    assert give_code(half_way, code).status_code == 302
    thief = new_client(app)
    give_password(thief, reader)
    assert "already been used" in give_code(thief, code).text
    assert thief.get("/review/").status_code == 302


def test_the_code_of_the_set_up_is_used_up_too(app: Flask, reader: str) -> None:
    client = new_client(app)
    give_password(client, reader)
    key = begin_set_up(client)
    code = code_of(key)
    give_code(client, code)
    thief = new_client(app)
    give_password(thief, reader)
    assert thief.get("/review/").status_code == 302
    assert "already been used" in give_code(thief, code).text


def test_two_at_once_cannot_use_one_code(app: Flask, reader: str, key: str) -> None:
    """Each reads the account before the other writes it."""
    browsers = [new_client(app), new_client(app)]
    for browser in browsers:
        give_password(browser, reader)
    tokens = [browser.token("/tf-validate") for browser in browsers]
    code = code_of(key)
    statuses: list[int] = []

    def give(browser: CheckedClient, token: str) -> None:
        statuses.append(browser.post("/tf-validate", data={"csrf_token": token, "code": code}).status_code)

    threads = [threading.Thread(target=give, args=pair) for pair in zip(browsers, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 302]


def test_the_secret_is_stored_encrypted(app: Flask, reader: str, key: str) -> None:
    secret = stored(app, reader).tf_totp_secret or ""
    assert key not in secret.replace("-", "")
    assert '"enckey"' in secret


def test_the_cookie_does_not_hold_the_secret_in_clear(app: Flask, reader: str, client: CheckedClient) -> None:
    give_password(client, reader)
    key = begin_set_up(client)
    with client.session_transaction() as cookie:
        assert key not in str(dict(cookie)).replace("-", "")


def test_the_picture_is_a_data_image_of_the_same_key(reader: str, client: CheckedClient) -> None:
    give_password(client, reader)
    page = client.submit("/tf-setup", {"setup": "authenticator"}).text
    assert 'src="data:image/svg+xml;base64,' in page


def test_too_long_after_the_password_it_is_asked_for_again(half_way: CheckedClient, key: str) -> None:
    with half_way.session_transaction() as cookie:
        cookie[SINCE] -= SECONDS_TO_FINISH + 1
    assert half_way.get("/tf-validate").location == SIGN_IN
    assert half_way.get("/mf-recovery").location == SIGN_IN


def test_an_account_disabled_after_the_password_gets_no_further(
    app: Flask, world: World, half_way: CheckedClient, reader: str, key: str
) -> None:
    admin = world.user(Role.ADMIN)
    boss = new_client(app)
    set_up(app, admin, boss)
    page = f"/admin/accounts/{user_id(app, reader)}"
    boss.submit(f"{page}/disable", SURE, page=page)
    answer = half_way.get("/tf-validate")
    assert answer.location == SIGN_IN
    assert half_way.get("/review/").status_code == 302


def test_a_page_cannot_sign_out_by_showing_an_address_of_ours(app: Flask, reader: str, client: CheckedClient) -> None:
    set_up(app, reader, client)
    client.get("/tf-validate")
    client.get("/mf-recovery")
    assert client.get("/review/").status_code == 200


@pytest.mark.parametrize("path", ["/tf-setup", "/mf-recovery-codes"])
def test_a_change_asks_for_the_password_if_that_was_long_ago(
    app: Flask, reader: str, client: CheckedClient, path: str
) -> None:
    set_up(app, reader, client)
    with client.session_transaction() as cookie:
        cookie["fs_paa"] -= 3600
    asked = client.get(path)
    assert asked.location.startswith("/verify?next=")
    assert "Incorrect current password" in client.submit(asked.location, {"password": "wrong"}).text
    assert client.submit(asked.location, {"password": PASSWORD}).location.endswith(path)
    assert client.get(path).status_code == 200


def test_recovery_codes_are_shown_once_and_stored_like_passwords(
    app: Flask, reader: str, client: CheckedClient
) -> None:
    set_up(app, reader, client)
    codes = recovery_codes(client)
    assert len(set(codes)) == RECOVERY_CODES
    kept = stored(app, reader).mf_recovery_codes or []
    assert len(kept) == RECOVERY_CODES
    assert all(hashed.startswith("$argon2id$") for hashed in kept)
    for page in ("/mf-recovery-codes", "/mf-recovery-codes?show_codes=y", "/profile"):
        assert not any(code in client.get(page).text for code in codes)


def test_a_recovery_code_lets_in_once_however_it_is_typed(
    app: Flask, reader: str, client: CheckedClient, world: World
) -> None:
    set_up(app, reader, client)
    codes = recovery_codes(client)
    for typed, status in ((codes[0].replace("-", " ").upper(), 302), (codes[0], 200), (codes[1], 302)):
        browser = new_client(app)
        give_password(browser, reader)
        assert browser.submit("/mf-recovery", {"code": typed}).status_code == status
        assert browser.get("/review/").status_code == (200 if status == 302 else 302)
    assert f"{RECOVERY_CODES - 2} unused recovery codes" in words(client.get("/profile").text)


def test_new_recovery_codes_void_the_old(app: Flask, reader: str, client: CheckedClient) -> None:
    set_up(app, reader, client)
    old, new = recovery_codes(client), recovery_codes(client)
    browser = new_client(app)
    give_password(browser, reader)
    assert "recovery code is incorrect" in browser.submit("/mf-recovery", {"code": old[0]}).text
    assert browser.submit("/mf-recovery", {"code": new[0]}).status_code == 302


def test_two_at_once_cannot_use_one_recovery_code(app: Flask, reader: str, client: CheckedClient) -> None:
    set_up(app, reader, client)
    code = recovery_codes(client)[0]
    browsers = [new_client(app), new_client(app)]
    for browser in browsers:
        give_password(browser, reader)
    tokens = [browser.token("/mf-recovery") for browser in browsers]
    statuses: list[int] = []

    def give(browser: CheckedClient, token: str) -> None:
        statuses.append(browser.post("/mf-recovery", data={"csrf_token": token, "code": code}).status_code)

    threads = [threading.Thread(target=give, args=pair) for pair in zip(browsers, tokens, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 302]


def test_another_telephone_ends_the_other_sessions_and_the_old_codes(app: Flask, reader: str, key: str) -> None:
    old, new = new_client(app), new_client(app)
    give_password(old, reader)
    give_code(old, code_of(key))
    codes = recovery_codes(old)
    forget_used_codes(app, reader)
    give_password(new, reader)
    give_code(new, code_of(key))
    other = begin_set_up(new)
    forget_used_codes(app, reader)
    give_code(new, code_of(other))
    assert new.get("/review/").status_code == 200
    assert old.get("/review/").status_code == 302
    browser = new_client(app)
    give_password(browser, reader)
    assert browser.submit("/mf-recovery", {"code": codes[0]}).status_code == 200
    forget_used_codes(app, reader)
    assert give_code(browser, code_of(key)).status_code == 200
    assert give_code(browser, code_of(other)).status_code == 302


def test_the_administrator_resets_it_once_sure_who_asks(app: Flask, world: World, reader: str, key: str) -> None:
    boss, at_work = new_client(app), new_client(app)
    set_up(app, world.user(Role.ADMIN), boss)
    give_password(at_work, reader)
    give_code(at_work, code_of(key))
    page = f"/admin/accounts/{user_id(app, reader)}"
    boss.submit(f"{page}/second-factor", page=page)
    assert "Nothing was reset" in boss.get(page).text
    assert at_work.get("/review/").status_code == 200
    boss.submit(f"{page}/second-factor", {"sure": "y"}, page=page)
    assert at_work.get("/review/").status_code == 302
    assert give_password(new_client(app), reader).location == "/tf-setup"
    assert actions(app)[-2:] == ["account.sessions_ended", "account.second_factor_reset"]


def test_everything_about_it_is_audited(app: Flask, reader: str, client: CheckedClient) -> None:
    key = set_up(app, reader, client)
    codes = recovery_codes(client)
    browser = new_client(app)
    give_password(browser, reader)
    give_code(browser, wrong_code(key))
    browser.submit("/mf-recovery", {"code": "no-such-code"})
    browser.submit("/mf-recovery", {"code": codes[0]})
    assert actions(app) == [
        "account.second_factor_set",
        "account.recovery_codes_made",
        "account.second_factor_failed",
        "account.second_factor_failed",
        "account.recovery_code_used",
    ]


def test_the_last_administrator_is_helped_on_the_server(app: Flask, world: World) -> None:
    admin = world.user(Role.ADMIN)
    at_work = new_client(app)
    set_up(app, admin, at_work)
    assert app.test_cli_runner().invoke(args=["reset-second-factor", "--email", admin]).exit_code == 0
    assert at_work.get("/admin/accounts").status_code == 302
    assert give_password(new_client(app), admin).location == "/tf-setup"
    unknown = app.test_cli_runner().invoke(args=["reset-second-factor", "--email", "nobody@test.example"])
    assert unknown.exit_code == 1
    assert "no account" in unknown.output
