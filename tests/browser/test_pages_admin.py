"""The administrator's pages in every state."""

import pytest
from playwright.sync_api import expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic
from tests.browser.conftest import Arrive
from tests.browser.people import Admin
from tests.conftest import outcome
from webapp.models import Role

pytestmark = pytest.mark.browser


def test_accounts_and_centres(enter: Arrive, clinic: Clinic, admin: str, gp: str) -> None:
    somebody: Admin = enter(Role.ADMIN, admin).open("/admin/accounts")
    link = somebody.invite("Invited GP", "invited@test.example", "GP", "Browser Centre")
    assert "/reset/" in link
    somebody.sees_title("Link for Invited GP")
    check(somebody.page, "admin-link")
    somebody.open("/admin/accounts/new")
    check(somebody.page, "admin-invite")
    somebody.click("Create invitation link")
    somebody.sees_errors()
    check(somebody.page, "admin-invite-errors")
    somebody.open(f"/admin/accounts/{clinic.user_id(gp)}")
    check(somebody.page, "admin-account")
    disabled = clinic.user_id(clinic.user(Role.GP, "Disabled GP", active=False))
    somebody.open(f"/admin/accounts/{disabled}")
    check(somebody.page, "admin-account-disabled")
    somebody.open("/admin/accounts")
    check(somebody.page, "admin-accounts")
    somebody.open("/admin/centres/new")
    check(somebody.page, "admin-centre-new")
    somebody.click("Save")
    somebody.sees_errors()
    check(somebody.page, "admin-centre-errors")
    somebody.open("/admin/centres")
    check(somebody.page, "admin-centres")
    somebody.click("Browser Centre", "link")
    somebody.sees_title("Browser Centre")
    check(somebody.page, "admin-centre")


def test_the_audit_log(enter: Arrive, clinic: Clinic, admin: str, gp: str, dermatologist: str) -> None:
    number = clinic.settled_case(gp, outcome(0.6))
    clinic.decide(number, dermatologist)
    # Given a decided case, when the administrator looks up who did what to it
    somebody: Admin = enter(Role.ADMIN, admin).open("/admin/audit")
    check(somebody.page, "admin-audit")
    somebody.page.get_by_label("Case number").fill(number.lower())
    somebody.click("Apply")
    # Then its whole history is listed, newest first
    rows = somebody.page.locator("tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.nth(0)).to_contain_text("Decision made")
    expect(rows.nth(3)).to_contain_text("Case sent")
    somebody.page.get_by_label("Case number").fill("DT-NOSUCH1")
    somebody.click("Apply")
    somebody.sees("No events found")
    check(somebody.page, "admin-audit-nothing", focus=False)


def test_a_dashboard_without_cases(enter: Arrive, clinic: Clinic, admin: str) -> None:
    with clinic.long_ago():
        somebody: Admin = enter(Role.ADMIN, admin).open("/admin/dashboard")
        somebody.sees("No cases in this period")
        check(somebody.page, "admin-dashboard-empty", focus=False)
