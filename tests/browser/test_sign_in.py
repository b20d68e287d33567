"""Signing in with a second factor, and what happens on a page left open, with a real browser and program."""

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import update

from tests.browser.checks import check
from tests.browser.clinic import Clinic
from tests.browser.people import PASSWORD, Dermatologist, Gp
from tests.browser.program import Program
from tests.conftest import make_app
from tests.web.authenticator import PERIOD, code_of
from webapp.core.config import Settings
from webapp.core.database import transaction
from webapp.models import Role, SignInSession, utcnow

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def strict(browser: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A program with default settings: dermatologists need a second factor."""
    program = Program(tmp_path_factory.mktemp("strict"), SECOND_FACTOR="1")
    program.start()
    yield program
    assert program.stop() == 0, program.log.read_text()


@pytest.fixture(scope="module")
def strict_clinic(strict: Program) -> Iterator[Clinic]:
    clinic = Clinic(make_app(Settings.from_environment({"INSTANCE_DIR": str(strict.instance), "HTTPS": "0"})))
    yield clinic
    clinic.let_go()


def give_password(person: Dermatologist, program: Program, email: str) -> None:
    person.open(f"{program.url}/login")
    person.page.get_by_label("Email").fill(email)
    person.page.get_by_label("Password").fill(PASSWORD)
    person.click("Sign in")


def next_code(key: str, after: int) -> tuple[str, int]:
    """A code not used before, without waiting: the server accepts that of the next half minute."""
    counter = max(int(time.time()) // PERIOD, after + 1)
    return code_of(key, counter - int(time.time()) // PERIOD), counter


def test_a_dermatologists_first_days(arrive, strict: Program, strict_clinic: Clinic) -> None:
    """Sets up the second factor, keeps the recovery codes, signs out, and comes back with a code."""
    email = strict_clinic.user(Role.DERMATOLOGIST, "Test Dermatologist")
    reader = arrive(Dermatologist)
    page = reader.page
    give_password(reader, strict, email)
    reader.sees_title("Two-factor authentication")
    reader.sees("Your role requires two-factor authentication")
    check(page, "second-factor")
    reader.click("I have the app: continue")
    reader.sees_title("Connect your authenticator app")
    expect(page.get_by_alt_text("QR code for the authenticator app")).to_be_visible()
    check(page, "second-factor-picture")
    key = page.locator(".secret").inner_text().replace("-", "")
    code, used = next_code(key, 0)
    page.get_by_label("Code from your app").fill("000000" if code != "000000" else "000001")
    reader.click("Done")
    reader.sees("This code is incorrect")
    check(page, "second-factor-wrong-code")
    code, used = next_code(key, used - 1)
    page.get_by_label("Code from your app").fill(code)
    reader.click("Done")
    reader.sees_title("Recovery codes")
    check(page, "recovery-codes")
    reader.click("Get new recovery codes")
    reader.sees("They are shown only once")
    check(page, "recovery-codes-shown")
    recovery = page.locator(".codes li").first.inner_text()
    reader.click("I have saved these codes", "link")
    reader.sees_title("Worklist")
    reader.open(f"{strict.url}/profile")
    reader.sees("You have 8 unused recovery codes")
    check(page, "profile")
    reader.click("Sign out")
    reader.sees_title("Sign in")

    give_password(reader, strict, email)
    reader.sees_title("Code from your app")
    check(page, "code")
    code, used = next_code(key, used)
    page.get_by_label("Code from your app").fill(code)
    reader.click("Sign in")
    reader.sees_title("Worklist")
    reader.click("Sign out")
    reader.sees_title("Sign in")

    give_password(reader, strict, email)
    reader.click("Use a recovery code", "link")
    reader.sees_title("Recovery code")
    check(page, "recovery-code")
    page.get_by_label("Recovery code").fill(recovery)
    reader.click("Sign in")
    reader.sees_title("Worklist")


def seen_so_long_ago(clinic: Clinic, minutes: float) -> None:
    with clinic.app.app_context(), transaction() as session:
        session.execute(update(SignInSession).values(seen_at=utcnow() - timedelta(minutes=minutes)))


def test_a_page_left_open(arrive, strict: Program, strict_clinic: Clinic) -> None:
    """A notice before the session ends and after; input stays, and can be sent after signing in in another tab."""
    email = strict_clinic.user(Role.GP, "Test GP", centre="Browser Centre")
    gp = arrive(Gp)
    page = gp.page
    page.clock.install()
    gp.open(f"{strict.url}/login").sign_in_here(email)
    gp.open(f"{strict.url}/change")
    page.get_by_label("Current password").fill(PASSWORD)
    for label in ("New password", "Confirm new password"):
        page.get_by_label(label, exact=True).fill("an entirely different sentence")
    seen_so_long_ago(strict_clinic, 13.5)
    page.clock.fast_forward(13 * 60 * 1000 + 5000)
    notice = page.get_by_role("alert")
    expect(notice).to_contain_text("You will be signed out in about two minutes")
    check(page, "signed-out-soon", focus=False)
    gp.click("Stay signed in")
    expect(notice).not_to_contain_text("You will be signed out", use_inner_text=True)
    seen_so_long_ago(strict_clinic, 16)
    page.clock.fast_forward(15 * 60 * 1000)
    expect(notice).to_contain_text("You have been signed out")
    check(page, "signed-out", focus=False)
    gp.click("Change password")
    expect(notice).to_contain_text("You have been signed out")

    with page.context.expect_page() as opened:
        gp.click("Sign in (opens a new tab)", "link")
    tab = opened.value
    tab.get_by_label("Email").fill(email)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in", exact=True).click()
    expect(tab.get_by_role("button", name="Sign out")).to_be_visible()
    tab.close()
    page.evaluate("() => window.dispatchEvent(new Event('focus'))")
    expect(notice).not_to_contain_text("You have been signed out", use_inner_text=True)
    gp.click("Change password")
    gp.sees_title("Your account")


def test_typing_keeps_one_signed_in(arrive, strict: Program, strict_clinic: Clinic) -> None:
    email = strict_clinic.user(Role.GP, "Test GP", centre="Browser Centre")
    gp = arrive(Gp)
    gp.page.clock.install()
    gp.open(f"{strict.url}/login").sign_in_here(email)
    gp.open(f"{strict.url}/cases/new")
    seen_so_long_ago(strict_clinic, 10)
    gp.page.clock.fast_forward(10 * 60 * 1000)
    with gp.page.expect_response(lambda answer: answer.url.endswith("/session") and answer.request.method == "POST"):
        gp.page.get_by_label("Patient reference").press_sequentially("PC")
    with strict_clinic.app.app_context(), transaction() as session:
        latest = max(row.seen_at for row in session.query(SignInSession))
    assert utcnow() - latest < timedelta(minutes=5)


def test_after_automatic_sign_out_the_patients_image_is_covered(arrive, strict: Program, strict_clinic: Clinic) -> None:
    email = strict_clinic.user(Role.GP, "Test GP", centre="Browser Centre")
    number = strict_clinic.settled_case(email)
    gp = arrive(Gp)
    page = gp.page
    page.clock.install()
    gp.open(f"{strict.url}/login").sign_in_here(email)
    gp.open(f"{strict.url}/cases/{number}")
    image = page.locator(".gallery img")
    expect(image).to_be_visible()
    seen_so_long_ago(strict_clinic, 16)
    page.clock.fast_forward(15 * 60 * 1000 + 5000)
    expect(page.get_by_role("alert")).to_contain_text("You have been signed out")
    expect(image).to_be_hidden()
    gp.troubles.said.clear()  # the page asks for the state of the case, and is sent to the sign-in page
