"""The dermatologist's journeys from the decision on: changes, keyboard, histology."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic, full_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Dermatologist, Gp
from tests.browser.pictures import drawn
from webapp.models import Management, Role

pytestmark = [pytest.mark.browser, pytest.mark.story]

FOR_ONE_IMAGE = 5


def test_a_decision_and_its_changes(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given a reader who marks patterns and chooses no appointment although the model suspects BCC
    clinic.withdraw_everything()
    number = clinic.settled_case(gp, full_outcome())
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    reader.read(number)
    reader.page.get_by_text("Patterns you see").click()
    reader.page.get_by_role("group", name="Ulceration").get_by_label("Absent").check()
    reassuring = "No appointment: reassure, with safety-netting advice"
    reader.decide("Benign lesion", reassuring, "Synthetic advice.")
    # Then a reason is required, and the other input is kept
    reader.sees_errors()
    expect(reader.page.get_by_label("Reason for no appointment")).to_have_attribute("aria-invalid", "true")
    expect(reader.page.get_by_role("group", name="Ulceration").get_by_label("Absent")).to_be_checked()
    check(reader.page, "reading-reason-missing", focus=False)
    reader.page.get_by_label("Reason for no appointment").fill("Seen in the clinic last week.")
    reader.click("Send decision to the GP")
    reader.sees(f"Decision saved for case {number}")
    # When the decision is taken back straight away
    reader.page.get_by_role("link", name="View it, or take it back").click()
    check(reader.page, "decided-may-undo", focus=False)
    reader.click("Take back this decision")
    # Then the form is filled in as it was sent, and the GP is told
    expect(reader.page.get_by_label("Benign lesion")).to_be_checked()
    expect(reader.page.get_by_label("Advice to the GP")).to_have_value("Synthetic advice.")
    doctor: Gp = enter(Role.GP, gp).open(f"/cases/{number}")
    doctor.sees("was taken back by Test Dermatologist")
    check(doctor.page, "case-taken-back", focus=False)
    # When the case is decided differently, and amended later
    reader.decide("Basal cell carcinoma", "Biopsy", "Synthetic advice.")
    reader.open(f"/review/{number}").click("Change this decision", "link")
    reader.looks()
    reader.click("Send changed decision to the GP")
    reader.sees_errors()
    check(reader.page, "amending-errors")
    reader.page.get_by_label("Reason for changing the decision").fill("Seen once more. Synthetic example.")
    reader.choose("Urgent dermatology appointment")
    reader.click("Send changed decision to the GP")
    # Then both see the new decision and the earlier ones
    reader.sees("The GP will see it as a new answer")
    reader.page.get_by_text("Earlier decisions (2)").click()
    check(reader.page, "amended", focus=False)
    doctor.open(f"/cases/{number}").sees("This decision was changed. Reason: Seen once more.")
    check(doctor.page, "case-amended", focus=False)
    assert clinic.audited(number)[-4:] == ["case.decided", "case.decision_undone", "case.decided", "case.amended"]
    # When a colleague is asked for an opinion
    email = clinic.user(Role.DERMATOLOGIST, "Test Colleague")
    reader.open(f"/review/{number}").page.get_by_text("Ask a colleague for a second opinion").click()
    reader.page.get_by_label("Colleague").select_option(label="Test Colleague")
    reader.page.get_by_label("Your question").fill("Is it a BCC?")
    reader.click("Request second opinion")
    reader.sees("will not see your decision before giving it")
    # Then the colleague finds the case, but sees nothing of the decision
    colleague: Dermatologist = enter(Role.DERMATOLOGIST, email).open("/review/opinions")
    check(colleague.page, "opinions", focus=False)
    colleague.page.get_by_role("link", name=number).click()
    colleague.sees("Your second opinion")
    expect(colleague.page.locator("main")).not_to_contain_text("Synthetic advice.")
    check(colleague.page, "opinion-requested", focus=False)
    # and once the opinion is given, both see opinion and decision
    colleague.choose("Benign lesion", "Routine dermatology appointment")
    colleague.click("Send my opinion")
    colleague.sees("Synthetic advice.")
    reader.open(f"/review/{number}").sees("Benign lesion: Routine dermatology appointment")
    reader.click("I have read the second opinion")
    expect(reader.page.locator(".nav-badge")).to_have_count(0)


def test_a_case_takes_five_keys_and_each_further_image_one(
    enter: Arrive, clinic: Clinic, gp: str, dermatologist: str
) -> None:
    # Given an open worklist with a case of one image, and one of six
    clinic.withdraw_everything()
    six = clinic.settled_case(gp, full_outcome(), tuple(drawn(i) for i in range(6)))
    one = clinic.settled_case(gp, full_outcome(0.95))
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    expect(reader.page.get_by_role("button", name="Shortcuts")).to_be_visible()
    for number, images in ((one, 1), (six, 6)):
        keys = Keys(reader.page)
        reader.page.wait_for_load_state()
        # When the next case is opened, its images are viewed, and it is decided, all by keyboard
        keys.press("n")
        reader.sees("Claimed by you until")
        reader.sees_title(f"Case {number}")
        reader.viewer_is_open()
        reader.looks()
        for position in range(2, images + 1):
            keys.press("j")
            expect(reader.page.locator(f'.unseen[data-frame="image-{position}"]')).to_have_count(0)
        expect(reader.page.locator(".frame.unseen")).to_have_count(0)
        keys.press("1")
        keys.press("b")
        expect(reader.page.locator("[data-chosen]")).to_have_text("Basal cell carcinoma · Biopsy")
        keys.press("d")
        expect(reader.page.get_by_role("button", name="Send decision to the GP")).to_be_focused()
        assert reader.page.evaluate("scrollY") == 0
        keys.press("Enter")
        # Then the GP has the answer
        reader.sees(f"Decision saved for case {number}")
        assert clinic.audited(number)[-1] == "case.decided"
        assert keys.pressed == FOR_ONE_IMAGE + images - 1


class Keys:
    """A keyboard that counts keystrokes."""

    def __init__(self, page: Page) -> None:
        self._page, self.pressed = page, 0

    def press(self, key: str) -> None:
        self._page.keyboard.press(key)
        self.pressed += 1


def test_a_histology_arrives_later(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given a case decided as a routine appointment
    clinic.withdraw_everything()
    number = clinic.settled_case(gp, full_outcome())
    clinic.decide(number, dermatologist, management=Management.ROUTINE_CLINIC)
    # When the GP enters the histology
    doctor: Gp = enter(Role.GP, gp).open(f"/cases/{number}")
    doctor.click("Add histology result", "link")
    doctor.click("Save result")
    doctor.sees_errors()
    check(doctor.page, "histology-errors", focus=False)
    doctor.page.get_by_label("Basal cell carcinoma").check()
    doctor.page.get_by_label("Date of the report").fill("2026-01-31")
    doctor.click("Save result")
    # Then the GP reads that it is being reviewed again, and it is in the worklist with the reason
    doctor.sees("This case has been re-opened for review by a dermatologist.")
    check(doctor.page, "case-reopened", focus=False)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    expect(reader.row(number)).to_contain_text("Histology shows a cancer")
    reader.read(number)
    reader.sees("Please review again.")
    check(reader.page, "reading-reopened", focus=False)
    # When the dermatologist decides again, then the GP sees what changed and why
    reader.decide("Basal cell carcinoma", "Urgent dermatology appointment")
    doctor.open(f"/cases/{number}").sees("This decision was changed. Reason: Histology shows a cancer.")
    # and the dermatologist can correct the result
    reader.open(f"/review/{number}").click("Correct histology result", "link")
    check(reader.page, "histology")
