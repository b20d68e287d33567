"""The GP's pages in every state pass tests.browser.checks."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.checks import check, photograph, violations
from tests.browser.clinic import Clinic, full_outcome, unsure_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Gp
from tests.browser.pictures import drawn
from webapp.models import FailureReason, Management, Role

pytestmark = pytest.mark.browser

HISTORY = "Shiny nodule for about eight months. Bleeds at times. Synthetic example."


def test_gp_list(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    clinic.settled_case(gp, None)
    clinic.decide(clinic.settled_case(gp, full_outcome()), dermatologist)
    doctor = enter(Role.GP, gp).open("/cases/")
    expect(doctor.page.locator(".case-row").first).to_contain_text("Answered")
    check(doctor.page, "gp-list")
    doctor.open("/cases/?q=NO-SUCH-CODE").sees("No cases found")
    check(doctor.page, "gp-list-nothing-found")


def test_new_case(enter: Arrive, gp: str) -> None:
    doctor: Gp = enter(Role.GP, gp).open("/cases/new")
    check(doctor.page, "case-new")
    doctor.choose_images(drawn(), drawn(8), drawn(9))
    expect(doctor.page.locator("#previews img")).to_have_count(3)
    photograph(doctor.page, "case-new-previews-1280")


def test_gp_case_in_each_state(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    facts: dict[str, Any] = {"history": HISTORY, "clinical_question": "BCC?", "birth_year": 1948, "phototype": 2}
    doctor = enter(Role.GP, gp)
    number = clinic.settled_case(gp, None, **facts)
    doctor.open(f"/cases/{number}").sees("Queued")
    check(doctor.page, "case-analysing")
    withdrawn = number
    number = clinic.settled_case(gp, FailureReason.TIMED_OUT, **facts)
    doctor.open(f"/cases/{number}").sees("No reliable result")
    check(doctor.page, "case-analysis-failed")
    number = clinic.settled_case(gp, unsure_outcome(), **facts)
    doctor.open(f"/cases/{number}").sees("close-up without a dermatoscope")
    check(doctor.page, "case-without-dermatoscope")
    number = clinic.settled_case(gp, full_outcome(), **facts)
    doctor.open(f"/cases/{number}").sees("In the worklist")
    check(doctor.page, "case-waiting")
    clinic.claim(number, dermatologist)
    doctor.open(f"/cases/{number}").sees("Being reviewed now")
    check(doctor.page, "case-being-read")
    clinic.decide(number, dermatologist)
    doctor.open(f"/cases/{number}").sees("Biopsy")
    check(doctor.page, "case-answered")
    retaken = clinic.settled_case(gp, full_outcome(), **facts)
    clinic.decide(retaken, dermatologist, "Please focus on the border. Synthetic example.", Management.RETAKE)
    doctor.open(f"/cases/{retaken}").sees("Please focus on the border")
    check(doctor.page, "case-new-images-requested")
    clinic.withdraw_everything()
    doctor.open(f"/cases/{withdrawn}").sees("withdrawn")
    check(doctor.page, "case-withdrawn")
    clinic.close(number, gp)
    doctor.open(f"/cases/{number}").sees("Read and closed")
    check(doctor.page, "case-closed")
    doctor.page.emulate_media(media="print")
    photograph(doctor.page, "case-closed-print")
    expect(doctor.page.get_by_role("heading", name="The dermatologist's answer")).to_be_visible()
    expect(doctor.page.locator(".header")).to_be_hidden()
    assert violations(doctor.page) == []
