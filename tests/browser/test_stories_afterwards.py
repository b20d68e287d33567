"""What happens to a case after it was sent: something is added, a colleague covers, it was the wrong patient."""

import pytest
from playwright.sync_api import expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic, full_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Dermatologist, Gp
from tests.browser.pictures import fresh
from webapp.models import Role

pytestmark = [pytest.mark.browser, pytest.mark.story]

FIRST = "Open these answers first"


def test_a_gp_adds_a_note_and_an_image_to_a_waiting_case(
    enter: Arrive, clinic: Clinic, gp: str, dermatologist: str
) -> None:
    # Given a waiting case that a dermatologist has just claimed
    number = clinic.settled_case(gp, full_outcome())
    clinic.claim(number, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    doctor: Gp = enter(Role.GP, gp).open(f"/cases/{number}")
    # When the GP sends an empty addition, then it is refused in words
    doctor.page.get_by_text("Add a note or an image").click()
    doctor.click(f"Add to case {number}")
    doctor.sees("Write a note, or choose an image.")
    # When there are a note and an image, then both are added, and the case is analysed again
    doctor.page.get_by_label("Note").fill("It has bled since.")
    doctor.choose_images(fresh())
    expect(doctor.preview(1)).to_contain_text("Sharp and bright enough")
    check(doctor.page, "case-adding", focus=False)
    doctor.click(f"Add to case {number}")
    doctor.sees(f"Note and 1 image added to case {number}")
    doctor.sees("It has bled since.")
    # and the dermatologist sees what is new
    reader.open(f"/review/{number}").sees("It has bled since.")
    expect(reader.page.locator(".came-later")).to_have_count(1)
    check(reader.page, "review-added-to")
    # When the case is decided while the GP writes another note, then nothing is added, and the way out is given
    late = clinic.settled_case(gp, full_outcome())
    doctor.open(f"/cases/{late}").page.get_by_text("Add a note or an image").click()
    doctor.page.get_by_label("Note").fill("One thing more.")
    clinic.decide(late, dermatologist)
    doctor.click(f"Add to case {late}")
    doctor.sees(f"Nothing was added to case {late}")
    expect(doctor.page.get_by_label("Note")).to_have_value("One thing more.")
    expect(doctor.page.get_by_role("link", name="New case for this lesion").first).to_be_visible()
    doctor.troubles.said.clear()  # Chromium logs the refusals


def test_a_colleague_covers_and_the_sender_is_still_told(
    enter: Arrive, clinic: Clinic, gp: str, dermatologist: str
) -> None:
    # Given an urgent answer, which a colleague at the centre opens
    number = clinic.settled_case(gp, full_outcome())
    clinic.decide(number, dermatologist)
    colleague: Gp = enter(Role.GP, clinic.user(Role.GP, "Test Locum", centre="Browser Centre")).open("/cases/")
    colleague.sees(FIRST)
    colleague.open(f"/cases/{number}").sees("Act on this now")
    # Then it is no longer new for the colleague, but still for the sender, who sees who has opened it
    colleague.open("/cases/")
    expect(colleague.page.locator(f".case-row.unread[href='/cases/{number}']")).to_have_count(0)
    sender: Gp = enter(Role.GP, gp).open("/cases/")
    row = sender.page.locator(f".case-row.unread[href='/cases/{number}']")
    expect(row).to_contain_text("Opened by Test Locum")
    check(sender.page, "gp-list-covered")
    # When the sender opens it, then it is new for nobody
    row.click()
    sender.sees("Act on this now")
    sender.open("/cases/")
    expect(row).to_have_count(0)


@pytest.mark.parametrize("script", [True, False])
def test_a_case_of_the_wrong_patient_is_void(
    enter: Arrive, clinic: Clinic, gp: str, dermatologist: str, script: bool
) -> None:
    # Given an answered case that the GP has read
    number = clinic.settled_case(gp, full_outcome())
    clinic.decide(number, dermatologist, "Stop aspirin. Synthetic example.")
    doctor: Gp = enter(Role.GP, gp, java_script_enabled=script).open(f"/cases/{number}")
    # When only the reference is wrong, then it is corrected, and the former one stays on the record
    doctor.page.get_by_role("link", name="Wrong patient or wrong image?").click()
    doctor.page.get_by_label("Correct patient reference").fill("RIGHT-1")
    doctor.page.get_by_label("Reason").first.fill("Two patients mixed up.")
    doctor.click("Correct the reference")
    doctor.sees("Patient reference corrected")
    expect(doctor.page.get_by_role("heading", name="RIGHT-1")).to_be_visible()
    # When the images are wrong too, then the case is void, and so is its answer
    doctor.page.get_by_role("link", name="Wrong patient or wrong image?").click()
    doctor.page.get_by_label("Reason").last.fill("Images of another patient.")
    doctor.click(f"Void case {number}")
    doctor.sees("Void: do not act on it.")
    expect(doctor.page.get_by_role("link", name="Send this case again")).to_be_visible()
    if script:
        check(doctor.page, "case-void")
    # and the dermatologist who decided is told, until opening it
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist, java_script_enabled=script)
    reader.open("/review/decided").sees("Corrected or voided since you decided")
    reader.page.locator(f".case-row.unread[href*='{number}']").click()
    reader.sees("Void: do not act on it.")
    if script:
        check(reader.page, "review-void")
    expect(reader.open("/review/decided").page.get_by_text("Corrected or voided since")).to_have_count(0)
