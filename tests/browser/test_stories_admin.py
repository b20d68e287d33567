"""The administrator's journeys: accounts, options, dashboards and exports."""

import csv
import io
import re

import pytest
from playwright.sync_api import expect

from ml.bundle import read_card
from tests.browser.checks import check
from tests.browser.clinic import Clinic
from tests.browser.conftest import Arrive
from tests.browser.people import Admin, Gp, Person
from tests.conftest import outcome
from webapp.models import HistologyResult, Role

pytestmark = [pytest.mark.browser, pytest.mark.story]


def test_people_come_change_and_leave(arrive: Arrive, enter: Arrive, clinic: Clinic, admin: str) -> None:
    # Given an administrator who invites a GP with a link
    clinic.centre("First Story Centre")
    clinic.centre("Second Story Centre")
    somebody: Admin = enter(Role.ADMIN, admin, permissions=["clipboard-read", "clipboard-write"]).open("/")
    link = somebody.invite("Story Newcomer", "newcomer@story.example", "GP", "First Story Centre")
    somebody.click("Copy link")
    expect(somebody.page.get_by_role("status").filter(has_text="Copied.")).to_be_visible()
    assert somebody.page.evaluate("() => navigator.clipboard.readText()") == link
    # When the GP opens the link, then a password can be chosen, but only once
    newcomer: Gp = arrive(Gp)
    newcomer.accept(link, "newcomer@story.example")
    newcomer.sees_title("Cases from First Story Centre")
    arrive(Person).open(link).sees_title("You need a new link")
    # When the administrator moves the GP to another centre, then the next click shows it
    page = somebody.open("/admin/accounts").page
    page.get_by_role("link", name="Story Newcomer").click()
    page.get_by_label("Centre").select_option(label="Second Story Centre")
    somebody.click("Save")
    newcomer.open("/cases/").sees_title("Cases from Second Story Centre")
    # and another role shows other pages, after signing in again
    page.get_by_role("link", name="Story Newcomer").click()
    page.get_by_label("Dermatologist").check()
    page.get_by_label("Centre").select_option(index=0)
    somebody.click("Save")
    somebody.sees_title("Change Story Newcomer from GP to Dermatologist?")
    check(page, "admin-confirm-role")
    somebody.click("Save")
    newcomer.open("/cases/").sees_title("Sign in")
    newcomer.sign_in("newcomer@story.example").sees_title("Worklist")
    newcomer.open("/cases/").sees_title("You do not have access")
    # When the account is disabled, then the open session ends
    page.get_by_role("link", name="Story Newcomer").click()
    somebody.click("Disable account")
    somebody.click("Disable account")
    somebody.sees("is disabled and can no longer sign in")
    newcomer.open("/review/").sees_title("Sign in")
    # When there is only one administrator, then they cannot lock themselves out
    with clinic.without_other_admins(admin):
        somebody.open(f"/admin/accounts/{clinic.user_id(admin)}").click("Disable account")
        somebody.sees("This is the last administrator who can sign in. Invite another one first")
        check(page, "admin-account-last", focus=False)


def test_what_may_be_chosen_is_set(enter: Arrive, clinic: Clinic, admin: str) -> None:
    # Given an administrator
    somebody: Admin = enter(Role.ADMIN, admin).open("/admin/centres")
    page = somebody.page
    # When a centre is added and closed again, then it can be given no new GPs
    somebody.add_centre("Story Centre That Closes")
    somebody.click("Story Centre That Closes", "link")
    page.get_by_label("Active").uncheck()
    somebody.click("Save")
    expect(page.get_by_role("row").filter(has_text="Story Centre That Closes")).to_contain_text("Inactive")
    somebody.open("/admin/accounts/new")
    expect(page.get_by_role("option", name="Story Centre That Closes")).to_have_count(0)
    # When no management option with an appointment would be left
    somebody.click("Options", "link")
    check(page, "admin-management")
    for label in ("Urgent dermatology appointment", "Biopsy", "Routine dermatology appointment"):
        page.get_by_label(f"Available: {label}").uncheck()
    somebody.click("Save")
    # Then that is refused, and the input is kept
    somebody.sees("must be available")
    expect(page.get_by_label("Available: Biopsy")).not_to_be_checked()
    check(page, "admin-management-error", focus=False)
    # When the administrator looks at what each threshold would mean with 5 % BCC
    somebody.click("Model", "link")
    somebody.click("Threshold", "link")
    page.get_by_label("Percentage of your cases that are BCC").fill("5")
    somebody.click("Calculate")
    # Then the page says so for every operating point of the model, and one is in force
    rows = page.locator("form tbody tr")
    expect(rows).to_have_count(3)
    for row in rows.all():
        expect(row.locator("td").last).to_have_text(re.compile(r"^\d+ %$"))
    expect(page.get_by_role("radio", checked=True)).to_have_count(1)
    check(page, "admin-threshold")
    # When another one is chosen, then it is in force, and the page says who chose it
    page.get_by_label("98 %").check()
    somebody.click("Use this operating point")
    somebody.sees_title("Use another operating point?")
    check(page, "admin-confirm-threshold")
    somebody.click("Use this operating point")
    expect(rows.filter(has_text="98 % target sensitivity")).to_contain_text("in use")
    somebody.sees("target sensitivity 98 %, by Test Administrator")
    page.get_by_label("95 %").check()  # for the other tests
    somebody.click("Use this operating point")
    somebody.sees_title("Use another operating point?")
    somebody.click("Use this operating point")
    somebody.sees("Operating point saved")


def test_how_well_it_goes_is_seen(enter: Arrive, clinic: Clinic, admin: str, gp: str, dermatologist: str) -> None:
    # Given decided cases of two centres, one of them a BCC not suspected by the model, and a histology
    elsewhere = clinic.user(Role.GP, "Distant GP", centre="Health Centre for Family Medicine of the Northern District")
    for who, phototype, probability in ((gp, 2, 0.9), (gp, 2, 0.6), (elsewhere, 5, 0.7), (elsewhere, None, 0.03)):
        number = clinic.settled_case(who, outcome(probability), phototype=phototype)
        clinic.decide(number, dermatologist)
    clinic.enter_histology(number, elsewhere, HistologyResult.BCC)
    still_open = clinic.settled_case(gp, outcome(0.6))
    # When the administrator opens the dashboard
    somebody: Admin = enter(Role.ADMIN, admin).open("/admin/accounts")
    page = somebody.page
    somebody.click("Dashboard", "link")
    # Then the missed case is listed, and every chart comes with its numbers
    missed = page.get_by_role("region", name="BCC not suspected by the model")
    expect(missed.get_by_role("row").filter(has_text=number)).to_contain_text("3 %")
    expect(page.get_by_role("img")).to_have_count(4)
    # and model and dermatologist are compared with each other and with the histology
    truth = page.get_by_role("region", name="Agreement on BCC")
    expect(truth.get_by_role("row", name=re.compile("^Dermatologist histology"))).to_have_count(1)
    expect(truth.get_by_role("row", name=re.compile("^not BCC BCC 1 0 1$"))).to_have_count(1)
    check(page, "admin-dashboard")
    page.get_by_text("Show numbers").click()
    check(page, "admin-dashboard-numbers", focus=False)
    # and another period and model can be chosen
    page.get_by_label("Cases sent in the last").select_option(label="12 months")
    page.get_by_label("Model result", exact=True).select_option(label="From test-model@000000000000")
    somebody.click("Apply")
    somebody.sees("Cases sent per week")
    check(page, "admin-dashboard-year", focus=False)
    # When the administrator checks whether everything is working
    somebody.click("Service", "link")
    # Then the page says so for worker, queue and model, and names the model
    for title in ("Worker", "Model", "Queue"):
        item = page.locator(".check").filter(has=page.get_by_role("heading", name=f"{title} "))
        expect(item).to_contain_text("Working")
    expect(page.locator(".check code").filter(has_text=read_card().sha256)).to_have_text(read_card().sha256)
    check(page, "admin-service")
    # When old cases are re-run with the model in use, then the page updates itself until that is done
    somebody.click("Model", "link")
    somebody.sees("test-model")
    check(page, "admin-models")
    somebody.click("Re-run earlier cases with this model")
    somebody.click("Start the re-run")
    expect(page.locator("#versions")).to_contain_text("Last re-run")
    check(page, "admin-models-done", focus=False)
    expect(page.get_by_role("button", name="Re-run earlier cases with this model")).to_be_visible()
    # and both results are kept: the new one in force for open cases, as a shadow for decided ones
    loaded = read_card().reference
    assert clinic.models_of(still_open) == ([loaded], ["test-model@000000000000"])
    assert clinic.models_of(number) == (["test-model@000000000000"], [loaded])


def test_cases_leave_as_a_table(enter: Arrive, clinic: Clinic, admin: str, gp: str, dermatologist: str) -> None:
    number = clinic.settled_case(gp, outcome(0.6), patient_reference="STORY-SECRET-1")
    clinic.decide(number, dermatologist)
    # Given the dashboard, when its cases are to be evaluated elsewhere
    somebody: Admin = enter(Role.ADMIN, admin).open("/admin/dashboard")
    somebody.click("Export cases", "link")
    # Then every column is explained, and the file has the case and nothing that identifies the patient
    check(somebody.page, "admin-export")
    with somebody.page.expect_download() as download:
        somebody.click("Download CSV")
    text = download.value.path().read_text(encoding="utf-8-sig")
    (line,) = [row for row in csv.DictReader(io.StringIO(text)) if row["case"] == number]
    assert (line["p_bcc"], line["diagnosis"], line["management"]) == ("0.6", "bcc", "biopsy")
    assert "STORY-SECRET-1" not in text
    expect(somebody.page.locator("main code").first).to_have_text("case")
    # and a wrong choice is explained
    somebody.page.get_by_label("Sent from").fill("2026-05-02")
    somebody.page.get_by_label("Sent up to and including").fill("2026-05-01")
    somebody.click("Download CSV")
    somebody.sees("The end date is before the start date.")
    check(somebody.page, "admin-export-error", focus=False)
    # and the audit log says who downloaded the file
    somebody.click("Audit log", "link")
    expect(somebody.page.locator("tbody tr").first).to_contain_text("Cases exported")
