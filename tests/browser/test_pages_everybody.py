"""Signing in, invitations, help, and error pages."""

import time
from datetime import timedelta
from unittest.mock import patch

import pytest
from itsdangerous import TimestampSigner
from playwright.sync_api import expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic
from tests.browser.conftest import Arrive
from tests.browser.people import Person
from webapp.models import Role

pytestmark = pytest.mark.browser


def test_sign_in(arrive: Arrive) -> None:
    somebody = arrive(Person).open("/login")
    check(somebody.page, "sign-in")
    somebody.page.get_by_label("Email").fill("nobody@test.example")
    somebody.page.get_by_label("Password").fill("not the password")
    somebody.click("Sign in")
    expect(somebody.page.get_by_role("alert")).to_be_visible()
    check(somebody.page, "sign-in-refused")


@pytest.mark.parametrize("role", Role)
def test_help_and_profile(enter: Arrive, gp: str, dermatologist: str, admin: str, role: Role) -> None:
    email = {Role.GP: gp, Role.DERMATOLOGIST: dermatologist, Role.ADMIN: admin}[role]
    somebody = enter(role, email).open("/help")
    check(somebody.page, f"help-{role.value}")
    somebody.open("/profile")
    check(somebody.page, f"profile-{role.value}", focus=False)


def test_change_password(enter: Arrive, gp: str) -> None:
    somebody = enter(Role.GP, gp).open("/change")
    check(somebody.page, "password-change")
    somebody.page.get_by_label("Current password").fill("not my password")
    somebody.page.get_by_label("New password", exact=True).fill("short")
    somebody.page.get_by_label("Confirm new password").fill("other")
    somebody.click("Change password")
    expect(somebody.page.locator(".field-error").first).to_be_visible()
    check(somebody.page, "password-change-errors")


def test_error_pages(enter: Arrive, gp: str) -> None:
    doctor = enter(Role.GP, gp).open("/no-such-page")
    doctor.sees_title("Page not found")
    check(doctor.page, "error-404")
    doctor.open("/review/").sees_title("You do not have access")
    check(doctor.page, "error-403")


def test_invitation(arrive: Arrive, clinic: Clinic) -> None:
    email = clinic.user(Role.DERMATOLOGIST, "Invited Dermatologist")
    eight_days_ago = int(time.time() - timedelta(days=8).total_seconds())
    fresh = clinic.invitation(email)
    with patch.object(TimestampSigner, "get_timestamp", return_value=eight_days_ago):
        expired = clinic.invitation(email)
    somebody = arrive(Person).open(fresh)
    somebody.sees_title("Choose your password")
    check(somebody.page, "invitation")
    somebody.page.get_by_label("New password", exact=True).fill("too short")
    somebody.page.get_by_label("Confirm new password").fill("different")
    somebody.click("Save password")
    expect(somebody.page.locator(".field-error").first).to_be_visible()
    check(somebody.page, "invitation-errors")
    somebody.open(expired).sees_title("You need a new link")
    check(somebody.page, "invitation-expired")
