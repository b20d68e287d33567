"""The main job from end to end: accounts, upload, analysis, worklist, review, decision, answer."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic
from tests.browser.conftest import Arrive
from tests.browser.people import Admin, Dermatologist, Gp
from tests.browser.pictures import HAM10000, carcinoma
from tests.browser.program import Program

pytestmark = [pytest.mark.browser, pytest.mark.story]

CENTRE = "Story Health Centre"


def test_an_image_becomes_a_ranked_explained_decided_case(program: Program, clinic: Clinic, arrive: Arrive) -> None:
    # Given an administrator created on the command line who opened the printed link
    printed = program.flask("create-admin", "--email", "admin@story.example", "--name", "Story Administrator")
    admin: Admin = arrive(Admin)
    admin.accept(re.findall(r"/reset/\S+", printed)[0], "admin@story.example")
    admin.sees_title("Accounts")
    # and a centre, a GP and a dermatologist who chose their passwords with invitation links
    admin.add_centre(CENTRE)
    gp: Gp = arrive(Gp)
    gp.accept(admin.invite("Story GP", "gp@story.example", "GP", CENTRE), "gp@story.example")
    gp.sees_title(f"Cases from {CENTRE}")
    gp.sees("No cases yet")
    check(gp.page, "gp-list-empty")
    reader: Dermatologist = arrive(Dermatologist)
    reader.accept(admin.invite("Story Reader", "reader@story.example", "Dermatologist"), "reader@story.example")
    clinic.withdraw_everything()
    reader.open("/review/").sees("No open cases")
    check(reader.page, "worklist-empty")

    # When the GP sends an image while the worker is busy
    with program.without_worker():
        gp.begin_case("STORY-1", site="Face")
        gp.choose_images(carcinoma())
        gp.send()
        number = gp.sent_case()
        # Then the case is received and waits for its analysis
        expect(gp.step("Received")).to_contain_text("1 image stored")
        expect(gp.step("Analysis")).to_contain_text("Queued")
        gp.will_not_reload()
        # and is already in the worklist, needing a person
        reader.open("/review/")
        expect(reader.row(number)).to_contain_text("Not analysed yet")
    # and when the worker is back, the page updates itself
    expect(gp.step("Analysis")).to_contain_text("Done")
    expect(gp.step("Dermatologist")).to_contain_text("In the worklist")
    gp.has_not_reloaded()

    # When the dermatologist opens the worklist
    reader.open("/review/")
    # Then the case has its lead suspicion and its place
    shown = reader.row(number).locator(".cell-lead")
    assert re.search(r"\d %|Not dermoscopy|Model uncertain", shown.inner_text())
    bcc_seen = "BCC" in shown.inner_text()
    assert bcc_seen or not HAM10000.is_file(), "this real carcinoma is above the operating point of the model"
    check(reader.page, "worklist-one")

    # When the dermatologist reviews it
    reader.read(number)
    image = reader.viewer_is_open()
    expect(reader.result()).to_contain_text("BCC")
    # Then the heatmap can be switched on, faded and switched off if BCC is present
    if bcc_seen:
        reader.shows_map("Basal cell carcinoma")
        heatmap = image.locator("canvas.heatmap")
        expect(heatmap).to_have_css("opacity", "0.6")
        image.get_by_label("Opacity").fill("80")
        expect(heatmap).to_have_css("opacity", "0.8")
        check(reader.page, "reading-real", focus=False)
        image.get_by_role("button", name="Heatmap").click()
        expect(heatmap).to_have_count(0)
    # and meanwhile the GP sees that it is being reviewed
    expect(gp.step("Dermatologist")).to_contain_text("Being reviewed now")

    # When the dermatologist decides
    reader.decide("Basal cell carcinoma", "Urgent dermatology appointment", "Please tell the patient to expect a call.")
    reader.sees(f"Decision saved for case {number}")
    # Then the GP gets the answer, reads it and closes the case
    answer = gp.page.get_by_role("link", name="The answer has arrived. Read it now")
    expect(answer).to_be_visible()
    gp.has_not_reloaded()
    answer.click()
    gp.sees("Please tell the patient to expect a call.")
    gp.sees("Story Reader")
    gp.click("I have read this. Close the case")
    gp.sees("Read and closed")
    # and every step is in the audit trail
    assert clinic.audited(number) == ["case.submitted", "case.claimed", "case.decided", "case.closed"]
