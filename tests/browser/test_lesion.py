"""A lesion over time: the GP sends it again, both sides see it side by side, and the answer is printed."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic, full_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Dermatologist, Gp
from tests.browser.pictures import drawn, fresh
from webapp.models import Role

pytestmark = pytest.mark.browser

FIRST_LETTER_MS = 60_000
"""The web process loads WeasyPrint with its first letter: a second of computing, more on a busy machine."""


def test_a_lesion_that_was_sent_before(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given an answered case
    earlier = clinic.settled_case(
        gp, full_outcome(), (drawn(), drawn(8)), patient_reference="TEST-OVER-TIME", birth_year=1950
    )
    clinic.decide(earlier, dermatologist)
    doctor: Gp = enter(Role.GP, gp).open(f"/cases/{earlier}")
    # Then its letter can be downloaded
    with doctor.page.expect_download(timeout=FIRST_LETTER_MS) as download:
        doctor.page.get_by_role("link", name="Letter as PDF").click(timeout=FIRST_LETTER_MS)
    assert download.value.suggested_filename == f"letter-{earlier}.pdf"
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    # When the GP sends the lesion again
    doctor.click("New case of this lesion", "link")
    expect(doctor.page.get_by_label("Patient reference")).to_have_value("TEST-OVER-TIME")
    expect(doctor.page.get_by_label("Year of birth")).to_have_value("1950")
    doctor.sees(f"New images of the lesion of case {earlier}")
    doctor.choose_images(fresh())
    doctor.confirm()
    doctor.send()
    number = doctor.sent_case()
    # Then both sides see the earlier images beside the new one
    doctor.sees("The same lesion, now and before")
    expect(doctor.page.locator(".over-time img")).to_have_count(3)
    check(doctor.page, "case-history")
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    expect(reader.page.locator(".over-time img")).to_have_count(3)
    reader.sees("Basal cell carcinoma. Biopsy.")
    check(reader.page, "reading-history", focus=False)
    # and the GP can say that it was another lesion after all
    doctor.page.get_by_text("Have you sent this lesion before?").click()
    doctor.page.get_by_label("Earlier case of the same lesion").select_option(label="None of them: another lesion")
    doctor.click("Save")
    expect(doctor.page.locator(".over-time")).to_have_count(0)
