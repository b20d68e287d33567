"""The GP's journeys: sending a case, following it, reading the answer."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic, full_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Dermatologist, Gp
from tests.browser.pictures import blurred, fresh
from tests.browser.program import Program
from tests.conftest import outcome
from webapp.models import Management, Role

pytestmark = [pytest.mark.browser, pytest.mark.story]

PHONE = {"has_touch": True, "is_mobile": True, "viewport": {"width": 390, "height": 800}}
FIRST_LETTER_MS = 60_000
"""The web process loads WeasyPrint for its first letter: a second of computing, more on a busy machine."""


def test_a_gp_sends_a_case(enter: Arrive, clinic: Clinic, gp: str) -> None:
    # Given a GP with a phone, who has sent one image before
    sent_before = fresh()
    earlier = clinic.settled_case(gp, outcome(0.3), (sent_before,))
    before = clinic.count(gp)
    doctor: Gp = enter(Role.GP, gp, **PHONE).open("/cases/new")
    # When the form is opened, then it explains how to take the images
    doctor.page.get_by_text("How to take the images").click()
    expect(doctor.page.get_by_text("Clean the lens and the skin.")).to_be_visible()
    # When the patient's data are entered, the site by pointing at the figure, and the page is left and reopened
    doctor.page.get_by_label("Patient reference").fill("STORY-SENT-1")
    doctor.page.locator(".body-map [data-site=ear] label").first.click()
    expect(doctor.site("Midline")).to_be_hidden()
    doctor.site("Left").check()
    doctor.page.get_by_label("Surface").select_option(label="Back")
    doctor.page.get_by_label("Largest diameter").fill("4,5")
    doctor.page.get_by_label("History").fill("Bleeds at times.")
    doctor.page.get_by_label("Urgent").check()
    doctor.confirm()
    doctor.open("/cases/").open("/cases/new")
    # Then the typed text is still there, but consent must be confirmed again
    doctor.sees("Your draft has been restored")
    expect(doctor.page.get_by_label("Patient reference")).to_have_value("STORY-SENT-1")
    expect(doctor.site("Ear")).to_be_checked()
    expect(doctor.site("Left")).to_be_checked()
    expect(doctor.page.get_by_label("Largest diameter")).to_have_value("4,5")
    expect(doctor.page.get_by_label("Urgent")).to_be_checked()
    expect(doctor.page.get_by_label("The patient, or the person who decides")).not_to_be_checked()
    # When images come from the file dialog, by drag and drop, and from the camera
    reason = doctor.page.get_by_label("Reason for sending this image anyway")
    expect(reason).to_be_hidden()
    doctor.choose_images(fresh())
    doctor.drop_image(blurred())
    doctor.use_camera(sent_before)
    # Then each has a preview and its quality, or a note that it was sent before
    expect(doctor.page.locator("#previews img")).to_have_count(3)
    expect(doctor.preview(1)).to_contain_text("Sharp and bright enough")
    expect(doctor.preview(2)).to_contain_text("please retake (out of focus")
    expect(doctor.preview(3)).to_contain_text(f"this image was already sent with case {earlier}")
    doctor.preview(1).get_by_role("button").click()
    # and without consent and a reason for the poor image, the case is refused, field by field
    doctor.send()
    doctor.sees_errors()
    expect(reason).to_have_accessible_description(re.compile("Image 1 .*please retake"))
    check(doctor.page, "case-new-flags", focus=False)
    # When both are given and the button is pressed twice
    doctor.confirm()
    reason.fill("The lesion is ulcerated.")
    sending: list[Route] = []
    doctor.page.route("**/cases/new", lambda route: sending.append(route))  # goes on when the test says so
    doctor.page.get_by_role("button", name="Send case").dblclick()
    expect(doctor.page.get_by_role("progressbar")).to_be_visible()
    expect(doctor.page.get_by_role("button", name="Send case")).to_be_disabled()
    while not sending:  # the page is told at once, the test a moment later
        doctor.page.wait_for_timeout(20)
    (only,) = sending
    only.continue_()
    doctor.page.unroute("**/cases/new")
    # Then there is one case with its images, and the form is empty again
    doctor.sent_case()
    expect(doctor.page.locator(".gallery img")).to_have_count(2)
    doctor.sees("Urgent")
    assert clinic.count(gp) == before + 1
    doctor.open("/cases/new")
    expect(doctor.page.get_by_label("Patient reference")).to_have_value("")


def test_a_gp_follows_a_case(program: Program, enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given a case that waits for its analysis, and another one behind it
    clinic.withdraw_everything()
    behind = clinic.settled_case(gp, outcome(0.3), patient_reference="STORY-BEHIND-1")
    doctor: Gp = enter(Role.GP, gp)
    with program.without_worker():
        number = clinic.case(gp, patient_reference="STORY-FOLLOWED-1")
        # When the GP opens it, then it shows the case's status and its place in line
        doctor.open(f"/cases/{number}")
        expect(doctor.step("Analysis")).to_contain_text("Queued")
        expect(doctor.step("Dermatologist")).to_contain_text("place 1 of 2")
        doctor.will_not_reload()
    # When it is analysed, reviewed and decided, then the page updates itself
    expect(doctor.step("Analysis")).to_contain_text(re.compile("Done|No reliable result"))
    clinic.claim(number, dermatologist)
    expect(doctor.step("Dermatologist")).to_contain_text("Being reviewed now")
    clinic.decide(number, dermatologist)
    expect(doctor.page.get_by_role("link", name="The answer has arrived. Read it now")).to_be_visible()
    doctor.has_not_reloaded()
    # When the GP searches for the beginning of its reference
    doctor.open("/cases/")
    doctor.page.get_by_label("Search by case").fill("STORY-FOL")
    doctor.click("Search")
    # Then only it is listed
    rows = doctor.page.locator(".case-row")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(number)
    # and the filters lead to the cases waiting for a dermatologist
    doctor.open("/cases/").page.get_by_role("link", name=re.compile("^With the dermatologists")).click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(behind)
    expect(rows).to_contain_text("place 1 of 1")


def test_a_gp_reads_the_answer(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given a case whose dermatologist asked for new images
    number = clinic.settled_case(gp, full_outcome(), patient_reference="STORY-ANSWERED-1", birth_year=1950)
    clinic.decide(number, dermatologist, "Please focus on the border. Synthetic example.", Management.RETAKE)
    doctor: Gp = enter(Role.GP, gp).open(f"/cases/{number}")
    # When the GP sends one from the same page
    doctor.sees("Please focus on the border.")
    doctor.choose_images(fresh())
    doctor.click("Send new images")
    # Then the same case waits again, with both images
    expect(doctor.step("Received")).to_contain_text("2 images")
    # When it is decided, then the list shows an unread answer, and the dermatologist sees that it is unread
    clinic.decide(number, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/decided")
    mine = reader.page.locator(".case-row").filter(has_text=number).first
    expect(mine).to_contain_text("not opened by the GP yet")
    doctor.open("/cases/")
    expect(doctor.page.locator(".nav-badge")).to_be_visible()
    answered = doctor.page.locator(".case-row").filter(has_text=number)
    expect(answered).to_contain_text("New")
    # When the GP opens it
    answered.click()
    # Then the outcome is at the top, and the dermatologist sees that it was opened
    doctor.sees("Basal cell carcinoma")
    doctor.sees("The hospital will contact the patient to arrange a biopsy.")
    reader.open("/review/decided")
    expect(mine).to_contain_text("opened by the GP")
    expect(mine).not_to_contain_text("not yet")
    # and the letter can be downloaded
    with doctor.page.expect_download(timeout=FIRST_LETTER_MS) as download:
        doctor.page.get_by_role("link", name="Report as PDF").click(timeout=FIRST_LETTER_MS)
    assert download.value.suggested_filename == f"letter-{number}.pdf"
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    # When it is closed, and the lesion is sent again later
    doctor.click("I have read this. Close the case")
    doctor.sees("Read and closed")
    doctor.click("New case for this lesion", "link")
    expect(doctor.page.get_by_label("Patient reference")).to_have_value("STORY-ANSWERED-1")
    expect(doctor.page.get_by_label("Year of birth")).to_have_value("1950")
    doctor.choose_site("Face")
    doctor.choose_images(fresh())
    doctor.confirm()
    doctor.send()
    again = doctor.sent_case()
    # Then both sides see the earlier images and answer next to the new ones
    doctor.sees("This lesion over time")
    expect(doctor.page.locator(".over-time img")).to_have_count(3)
    check(doctor.page, "case-history")
    reader.open(f"/review/{again}")
    expect(reader.page.locator(".frame img")).to_have_count(3)
    reader.sees(re.compile("This lesion before:.*basal cell carcinoma, biopsy", re.DOTALL))
    check(reader.page, "reading-history", focus=False)
    # and the GP can say that it is a different lesion after all
    doctor.page.get_by_text("Have you sent this lesion before?").click()
    doctor.page.get_by_label("Earlier case of the same lesion").select_option(label="None: this is a different lesion")
    doctor.click("Save")
    expect(doctor.page.locator(".over-time")).to_have_count(0)
