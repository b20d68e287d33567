"""The administrator's care: nobody's cases are left behind, and a letter looks like the clinic's."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic, full_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Admin, Gp
from tests.browser.test_stories_gp import FIRST_LETTER_MS
from webapp.models import Role

pytestmark = [pytest.mark.browser, pytest.mark.story]


def test_a_gp_who_leaves_hands_over(enter: Arrive, clinic: Clinic, admin: str, dermatologist: str) -> None:
    # Given a GP with a waiting case and an unread answer, and a colleague
    leaver = clinic.user(Role.GP, "Test Leaver", centre="Leaving Centre")
    stays = clinic.user(Role.GP, "Test Stays", centre="Leaving Centre")
    waiting, answered = (clinic.settled_case(leaver, full_outcome()) for _ in range(2))
    clinic.decide(answered, dermatologist)
    # When the account is to be disabled
    somebody: Admin = enter(Role.ADMIN, admin).open(f"/admin/accounts/{clinic.user_id(leaver)}")
    somebody.click("Disable account")
    # Then the administrator is told what would be left, and must say who follows it
    somebody.sees("Test Leaver follows 1 case without an answer and 1 answer to read. They stay with Leaving Centre.")
    check(somebody.page, "admin-hand-over")
    somebody.click("Disable account")
    somebody.sees_errors()
    somebody.page.get_by_role("combobox").select_option(label="Test Stays")
    somebody.click("Disable account")
    somebody.sees("is disabled and can no longer sign in")
    # and the colleague has both
    doctor: Gp = enter(Role.GP, stays).open("/cases/")
    doctor.sees("handed over to you")
    expect(doctor.page.locator(f".case-row.unread[href='/cases/{answered}']")).to_have_count(1)
    doctor.open(f"/cases/{waiting}").sees("by Test Leaver, followed by Test Stays")
    check(doctor.page, "case-handed-over")


def test_a_letter_is_the_clinics(enter: Arrive, clinic: Clinic, admin: str, gp: str, dermatologist: str) -> None:
    # Given a letterhead
    somebody: Admin = enter(Role.ADMIN, admin).open("/admin/letterhead")
    somebody.page.get_by_label("Hospital").fill("Story Example Hospital")
    somebody.page.get_by_label("Department").fill("Dermatology")
    somebody.click("Save")
    check(somebody.page, "admin-letterhead", focus=False)
    # When a GP prints an answer or takes its report, then it is there
    number = clinic.settled_case(gp, full_outcome(), patient_reference="STORY-LETTER-1")
    clinic.decide(number, dermatologist)
    doctor: Gp = enter(Role.GP, gp).open(f"/cases/{number}")
    doctor.page.emulate_media(media="print")
    expect(doctor.page.get_by_text("Story Example Hospital")).to_be_visible()
    doctor.page.emulate_media(media="screen")
    with doctor.page.expect_download(timeout=FIRST_LETTER_MS) as download:
        doctor.page.get_by_role("link", name="Report as PDF").click(timeout=FIRST_LETTER_MS)
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
