"""Second looks at a case: a colleague's opinion, one's own before the model's, the pathologist's, and a late result."""

import pytest
from playwright.sync_api import expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic, full_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Dermatologist
from webapp.models import Management, Role

pytestmark = pytest.mark.browser


def test_a_colleague_is_asked_and_answers_blind(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given a decided case
    number = clinic.settled_case(gp, full_outcome())
    clinic.decide(number, dermatologist, advice="Please refer. Synthetic example.")
    email = clinic.user(Role.DERMATOLOGIST, "Test Colleague")
    # When the reader asks a colleague
    first: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    first.page.get_by_text("Ask a colleague for a second opinion").click()
    first.page.get_by_label("Whom do you ask?").select_option(label="Test Colleague")
    first.page.get_by_label("Your question").fill("Is it a BCC?")
    first.click("Ask")
    first.sees("will not see your decision before it")
    # Then the colleague finds it, and sees nothing of the decision
    second: Dermatologist = enter(Role.DERMATOLOGIST, email).open("/review/opinions")
    check(second.page, "opinions", focus=False)
    second.page.get_by_role("link", name=number).click()
    second.sees("Your second opinion")
    expect(second.page.locator("main")).not_to_contain_text("Please refer. Synthetic example.")
    check(second.page, "opinion-wanted", focus=False)
    # and after the answer both see both
    second.choose("Benign lesion", "Routine dermatology clinic")
    second.click("Give my opinion")
    second.sees("Please refer. Synthetic example.")
    first.open(f"/review/{number}").sees("Benign lesion: Routine dermatology clinic")
    first.click("I have read the second opinion")
    expect(first.page.locator(".nav-badge")).to_have_count(0)


def test_reading_blinded(enter: Arrive, clinic: Clinic, gp: str) -> None:
    # Given a reader who has chosen it
    clinic.withdraw_everything()
    number = clinic.settled_case(gp, full_outcome())
    email = clinic.user(Role.DERMATOLOGIST, "Test Blinded")
    reader: Dermatologist = enter(Role.DERMATOLOGIST, email).open("/profile")
    reader.page.get_by_label("Hide the model's answer").check()
    reader.click("Save")
    # When a case is read
    reader.open("/review/")
    check(reader.page, "worklist-blinded", focus=False)
    reader.read(number)
    # Then the model's answer comes after the own impression only
    expect(reader.page.locator("main")).not_to_contain_text("86 %")
    check(reader.page, "impression", focus=False)
    reader.choose("Benign lesion", "Biopsy")
    reader.click("Keep this, and show the model's answer")
    reader.sees("86 %")
    expect(reader.page.get_by_label("Benign lesion")).to_be_checked()
    reader.decide("Basal cell carcinoma", "Biopsy")
    reader.sees(f"Your decision on {number} is stored")
    assert clinic.audited(number)[-2:] == ["case.impression", "case.decided"]


def test_a_histology_of_cancer_brings_the_case_back(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given a case that was sent to the routine clinic
    clinic.withdraw_everything()
    number = clinic.settled_case(gp, full_outcome())
    clinic.decide(number, dermatologist, management=Management.ROUTINE_CLINIC)
    # When the GP enters the histology
    doctor = enter(Role.GP, gp).open(f"/cases/{number}")
    doctor.click("Enter the histology result", "link")
    doctor.click("Store the result")
    check(doctor.page, "histology-errors", focus=False)
    doctor.page.get_by_label("Basal cell carcinoma").check()
    doctor.page.get_by_label("Date of the report").fill("2026-01-31")
    doctor.click("Store the result")
    # Then the GP reads that it is looked at again, and it stands in the worklist with the reason
    doctor.sees("A dermatologist looks at this case again.")
    check(doctor.page, "case-recalled", focus=False)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    expect(reader.row(number)).to_contain_text("The histology found a cancer.")
    reader.read(number)
    reader.sees("Please look again.")
    check(reader.page, "reading-recalled", focus=False)
    reader.decide("Basal cell carcinoma", "Urgent appointment in dermatology")
    doctor.open(f"/cases/{number}").sees("This decision was changed. Reason: The histology found a cancer.")
