"""What a reader must see first, must not see, and can rely on."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic, full_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Dermatologist, Gp
from tests.browser.pictures import drawn
from tests.conftest import outcome
from webapp.models import HistologyResult, Role, Urgency

pytestmark = [pytest.mark.browser, pytest.mark.story]


def test_the_case_comes_first(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given an urgent case whose second image is suspected, of a patient with an earlier case and another lesion
    clinic.withdraw_everything()
    patient: dict[str, Any] = {"patient_reference": "STORY-STRIP-1"}
    earlier = clinic.settled_case(gp, outcome(0.4), **patient)
    clinic.decide(earlier, dermatologist)
    clinic.enter_histology(earlier, dermatologist, HistologyResult.BCC)
    other = clinic.settled_case(gp, outcome(0.05), **patient)
    question = {"urgency": Urgency.URGENT, "clinical_question": "Has it come back?"}
    pictures = (drawn(41), drawn(42))
    number = clinic.settled_case(gp, full_outcome(0.87), pictures, **patient, **question)
    doctor: Gp = enter(Role.GP, gp).open(f"/cases/{number}")
    doctor.page.get_by_label("Earlier case of the same lesion").select_option(earlier)
    doctor.click("Save")
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    expect(reader.row(number)).to_contain_text("BCC 87 %")
    # When it is opened
    reader.read(number)
    # Then the first lines say what is suspected and where, what is asked, and what came before
    strip = reader.page.get_by_role("region", name=f"Case {number}")
    expect(strip.locator(".lead-suspicion")).to_have_text(re.compile(r"BCC 87 % suspected\s+image 1"))
    expect(strip).to_contain_text("Urgent")
    expect(strip).to_contain_text("Has it come back?")
    expect(strip).to_contain_text(
        re.compile(f"This lesion before:.*{earlier}.*histology basal cell carcinoma", re.DOTALL)
    )
    expect(strip).to_contain_text(re.compile(f"Other lesions:.*{other}", re.DOTALL))
    check(reader.page, "reading-strip", focus=False)


def test_a_second_opinion_is_blind_and_read_before_deciding(
    enter: Arrive, clinic: Clinic, gp: str, dermatologist: str
) -> None:
    # Given a reader who asks a colleague in the middle of reading
    clinic.withdraw_everything()
    number = clinic.settled_case(gp, full_outcome())
    email = clinic.user(Role.DERMATOLOGIST, "Test Blind Colleague")
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    reader.read(number)
    reader.choose("Basal cell carcinoma", "Biopsy")
    reader.page.get_by_text("Ask a colleague for a second opinion").click()
    reader.page.get_by_label("Colleague").select_option(label="Test Blind Colleague")
    reader.click("Request second opinion")
    # When the colleague, who reads blinded, opens the case, then neither decision nor model is anywhere on the page
    colleague: Dermatologist = enter(Role.DERMATOLOGIST, email).open("/profile")
    colleague.page.get_by_label("Hide the model's result").check()
    colleague.click("Save")
    colleague.open("/review/opinions").page.get_by_role("link", name=number).click()
    colleague.sees("Your own impression first")
    expect(colleague.page.locator("[data-map], [data-heatmap], .lead-suspicion")).to_have_count(0)
    assert "86 %" not in colleague.page.locator("main").inner_text()
    check(colleague.page, "opinion-blind", focus=False)
    # and after an impression the model is shown, but still no decision
    colleague.choose("Benign lesion", "Routine dermatology appointment")
    colleague.click("Save and show the model's result")
    colleague.sees("86 %")
    colleague.choose("Benign lesion", "Routine dermatology appointment")
    colleague.click("Send my opinion")
    colleague.sees(f"Your opinion on case {number} is saved")
    # Then the reader cannot decide without having read it
    reader.open(f"/review/{number}")
    reader.decide("Basal cell carcinoma", "Biopsy")
    reader.sees_errors()
    reader.page.get_by_label(re.compile("I have read the second opinion")).check()
    reader.click("Send decision to the GP")
    reader.sees(f"Decision saved for case {number}")


def test_that_the_model_was_wrong_takes_one_key(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    clinic.withdraw_everything()
    number = clinic.settled_case(gp, full_outcome())
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    expect(reader.page.get_by_role("button", name="Shortcuts")).to_be_visible()
    reader.read(number)
    reader.looks()
    for key in ("x", "3", "b"):
        reader.page.keyboard.press(key)
    expect(reader.page.get_by_label("The model was wrong")).to_be_checked()
    reader.click("Send decision to the GP")
    reader.sees(f"Decision saved for case {number}")
    # Then colleagues see it, and the GP doesn't
    reader.open(f"/review/{number}").sees("Its reader noted: the model was wrong.")
    doctor: Gp = enter(Role.GP, gp).open(f"/cases/{number}")
    expect(doctor.page.locator("main")).not_to_contain_text("model was wrong")


def test_times_are_the_readers_own_everywhere(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given a reader in Tokyo, nine hours ahead of UTC all the year
    clinic.withdraw_everything()
    number = clinic.settled_case(gp, full_outcome())
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist, timezone_id="Asia/Tokyo").open("/review/")
    reader.open(f"/review/{number}")
    # When the case is claimed, then every moment on the page and the lists has that zone
    reader.page.get_by_role("button", name="Claim this case").click()
    reader.sees("Claimed by you until")
    reader.decide("Basal cell carcinoma", "Biopsy")
    reader.open(f"/review/{number}")
    for page in (f"/review/{number}", "/review/decided"):
        texts = reader.open(page).page.locator("main").inner_text()
        assert re.search(r"\d{2}:\d{2} JST", texts), page
        assert "UTC" not in texts, page
