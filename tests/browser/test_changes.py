"""A decision changed in the browser: taken back at once, amended later, and what the GP sees of it."""

import pytest
from playwright.sync_api import expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic, full_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Dermatologist
from webapp.models import Role

pytestmark = pytest.mark.browser


def test_a_decision_is_taken_back_and_later_amended(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given a reader who has just decided
    clinic.withdraw_everything()
    number = clinic.settled_case(gp, full_outcome())
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    reader.read(number)
    reader.decide("Benign lesion", "Biopsy", "Synthetic advice.")
    # When the decision is taken back
    reader.page.get_by_role("link", name="Look at it again").click()
    check(reader.page, "decided-may-undo", focus=False)
    reader.click("Take this decision back")
    # Then the form is there as it was sent, and the GP is told
    expect(reader.page.get_by_label("Benign lesion")).to_be_checked()
    expect(reader.page.get_by_label("Advice to the GP")).to_have_value("Synthetic advice.")
    doctor = enter(Role.GP, gp).open(f"/cases/{number}")
    doctor.sees("was taken back by Test Dermatologist")
    check(doctor.page, "case-taken-back", focus=False)
    # When it is decided again, and amended later
    reader.decide("Basal cell carcinoma", "Biopsy", "Synthetic advice.")
    reader.open(f"/review/{number}").click("Change this decision, with a reason", "link")
    reader.click("Change the decision, and tell the GP")
    expect(reader.page.locator("#error-summary")).to_be_focused()
    check(reader.page, "amending-errors")
    reader.page.get_by_label("Why the decision changes").fill("Seen once more. Synthetic example.")
    reader.choose("Urgent appointment in dermatology")
    reader.click("Change the decision, and tell the GP")
    # Then both see the new one, and what was before
    reader.sees("is changed, and the GP is told anew")
    reader.page.get_by_text("Earlier decisions (2)").click()
    check(reader.page, "amended", focus=False)
    doctor.open(f"/cases/{number}").sees("This decision was changed. Reason: Seen once more.")
    check(doctor.page, "case-amended", focus=False)
    assert clinic.audited(number)[-4:] == ["case.decided", "case.decision_undone", "case.decided", "case.amended"]
