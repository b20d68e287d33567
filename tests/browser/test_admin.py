"""The administrator's working day: is everything at work, how well does the model do, what may be chosen."""

import re

import pytest
from playwright.sync_api import expect

from ml.bundle import read_card
from tests.browser.checks import check
from tests.browser.clinic import Clinic
from tests.browser.conftest import Arrive
from tests.browser.people import Admin
from tests.conftest import outcome
from webapp.models import Role

pytestmark = pytest.mark.browser


def test_the_service_page_of_a_running_program(enter: Arrive, clinic: Clinic, admin: str) -> None:
    # Given the running program with its worker
    somebody: Admin = enter(Role.ADMIN, admin).open("/admin/accounts")
    # When the administrator looks whether everything is at work
    somebody.click("Service", "link")
    # Then worker, queue and model say so, and which model it is
    for title in ("Worker", "Model", "Queue"):
        item = somebody.page.locator(".check").filter(has=somebody.page.get_by_role("heading", name=f"{title} "))
        expect(item).to_contain_text("In order")
    expect(somebody.page.locator(".check code")).to_have_text(read_card().sha256)
    check(somebody.page, "admin-service")


def test_the_dashboard(enter: Arrive, clinic: Clinic, admin: str, gp: str, dermatologist: str) -> None:
    # Given decided cases of two centres, one of them a BCC that the model did not suspect
    elsewhere = clinic.user(Role.GP, "Distant GP", centre="Health Centre for Family Medicine of the Northern District")
    for who, phototype, probability in ((gp, 2, 0.9), (gp, 2, 0.6), (elsewhere, 5, 0.7), (elsewhere, None, 0.03)):
        number = clinic.settled_case(who, outcome(probability), phototype=phototype)
        clinic.decide(number, dermatologist)
    # When the administrator opens the dashboard
    somebody: Admin = enter(Role.ADMIN, admin).open("/admin/accounts")
    somebody.click("Dashboard", "link")
    # Then the missed case is listed, and every chart has its numbers
    missed = somebody.page.get_by_role("region", name="BCC that the model did not suspect")
    expect(missed.get_by_role("row").filter(has_text=number)).to_contain_text("3 %")
    expect(somebody.page.get_by_role("img")).to_have_count(4)
    check(somebody.page, "admin-dashboard")
    somebody.page.get_by_text("The numbers").click()
    check(somebody.page, "admin-dashboard-numbers", focus=False)
    # and another period and model can be chosen
    somebody.page.get_by_label("Cases sent in the last").select_option(label="12 months")
    somebody.page.get_by_label("The model's answer").select_option(label="of test-model@000000000000")
    somebody.click("Show")
    somebody.sees("Cases sent per week")
    check(somebody.page, "admin-dashboard-year", focus=False)


def test_the_export(enter: Arrive, clinic: Clinic, admin: str, gp: str) -> None:
    number = clinic.settled_case(gp, outcome(0.6))
    # Given the dashboard, when its cases shall be evaluated elsewhere
    somebody: Admin = enter(Role.ADMIN, admin).open("/admin/dashboard")
    somebody.click("Export cases and labels", "link")
    # Then every column is explained, and the file holds the case
    check(somebody.page, "admin-export")
    with somebody.page.expect_download() as download:
        somebody.click("Download as CSV")
    assert number in download.value.path().read_text(encoding="utf-8")
    # and a wrong choice is explained
    somebody.page.get_by_label("Sent from").fill("2026-05-02")
    somebody.page.get_by_label("Sent until, included").fill("2026-05-01")
    somebody.click("Download as CSV")
    somebody.sees("The last day is before the first.")
    check(somebody.page, "admin-export-error", focus=False)


def test_the_audit_log(enter: Arrive, clinic: Clinic, admin: str, gp: str, dermatologist: str) -> None:
    number = clinic.settled_case(gp, outcome(0.6))
    clinic.decide(number, dermatologist)
    # Given a decided case, when the administrator looks who has done what to it
    somebody: Admin = enter(Role.ADMIN, admin).open("/admin/audit")
    check(somebody.page, "admin-audit")
    somebody.page.get_by_label("Case number").fill(number.lower())
    somebody.click("Show")
    # Then its whole history stands there, newest first
    rows = somebody.page.locator("tbody tr")
    expect(rows).to_have_count(4)
    expect(rows.nth(0)).to_contain_text("Case decided")
    expect(rows.nth(3)).to_contain_text("Case sent")
    somebody.page.get_by_label("Case number").fill("DT-NOSUCH1")
    somebody.click("Show")
    somebody.sees("Nothing found")
    check(somebody.page, "admin-audit-nothing", focus=False)


def test_the_management_options(enter: Arrive, clinic: Clinic, admin: str) -> None:
    somebody: Admin = enter(Role.ADMIN, admin).open("/admin/management")
    check(somebody.page, "admin-management")
    # When no way to dermatology would be left
    for label in ("Urgent appointment in dermatology", "Biopsy", "Routine dermatology clinic"):
        somebody.page.get_by_label(f"On offer: {label}").uncheck()
    somebody.click("Save")
    # Then that is refused, and what was chosen is kept
    somebody.sees("must stay on offer")
    expect(somebody.page.get_by_label("On offer: Biopsy")).not_to_be_checked()
    check(somebody.page, "admin-management-error", focus=False)


def test_the_threshold(enter: Arrive, clinic: Clinic, admin: str) -> None:
    # Given the shipped model, when the administrator looks at a share of BCC of 5 %
    somebody: Admin = enter(Role.ADMIN, admin).open("/admin/threshold")
    somebody.page.get_by_label("BCC among the cases sent, in percent").fill("5")
    somebody.click("Calculate")
    # Then every operating point says what it would mean, and one is in force
    rows = somebody.page.locator("tbody tr")
    expect(rows).to_have_count(3)
    for row in rows.all():
        expect(row.locator("td").last).to_have_text(re.compile(r"^\d+ %$"))
    expect(somebody.page.get_by_role("radio", checked=True)).to_have_count(1)
    check(somebody.page, "admin-threshold")


def test_a_link_is_copied(enter: Arrive, admin: str) -> None:
    somebody: Admin = enter(Role.ADMIN, admin, permissions=["clipboard-read", "clipboard-write"])
    link = somebody.open("/admin/accounts").invite("Copied Link", "copied@test.example", "Dermatologist")
    somebody.click("Copy the link")
    expect(somebody.page.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    assert somebody.page.evaluate("() => navigator.clipboard.readText()") == link
    check(somebody.page, "admin-link-copied", focus=False)


def test_old_cases_are_analysed_again(enter: Arrive, clinic: Clinic, admin: str, gp: str, dermatologist: str) -> None:
    # Given an open and a decided case that another version of the model has analysed
    still_open, decided = (clinic.settled_case(gp, outcome(0.6)) for _ in range(2))
    clinic.decide(decided, dermatologist)
    somebody: Admin = enter(Role.ADMIN, admin).open("/admin/models")
    somebody.sees("test-model")
    check(somebody.page, "admin-models")
    # When the administrator asks for a re-run with the model in use
    somebody.click("Re-run old cases with this model")
    # Then the page tells by itself when it is done
    expect(somebody.page.locator("#versions")).to_contain_text("Last re-run")
    check(somebody.page, "admin-models-done", focus=False)
    expect(somebody.page.get_by_role("button", name="Re-run old cases with this model")).to_be_visible()
    # and both results are kept: the new one in force where nobody has decided, beside the old one where somebody has
    loaded = read_card().reference
    assert clinic.models_of(still_open) == ([loaded], ["test-model@000000000000"])
    assert clinic.models_of(decided) == (["test-model@000000000000"], [loaded])
