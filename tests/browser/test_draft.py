"""The draft of a new case: whose it is, and when it is deleted. The GP's first story covers that it is kept."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.clinic import Clinic
from tests.browser.conftest import Arrive
from tests.browser.people import Gp
from webapp.models import Role

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("leave", ["cancel", "sign out"])
def test_a_draft_is_forgotten_by_cancelling_and_by_signing_out(arrive: Arrive, clinic: Clinic, leave: str) -> None:
    doctor: Gp = arrive(Gp).sign_in(clinic.user(Role.GP))  # signing out ends every session of an account
    doctor.begin_case("TEST-FORGET-1")
    if leave == "cancel":
        doctor.click("Cancel", "link")
    else:
        doctor.click("Sign out")
    doctor.page.wait_for_url(re.compile("/cases/$|/login"))
    assert doctor.page.evaluate("() => sessionStorage.length") == 0


def test_a_session_that_ended_does_not_cost_the_draft(arrive: Arrive, gp: str) -> None:
    doctor: Gp = arrive(Gp).sign_in(gp)
    doctor.begin_case("TEST-EXPIRED-1")
    doctor.page.context.clear_cookies()
    doctor.open("/cases/new")
    doctor.page.get_by_label("Email").fill(gp)
    doctor.page.get_by_label("Password").fill("four unrelated clinic words")
    doctor.click("Sign in")
    doctor.sees_title("New case")
    expect(doctor.page.get_by_label("Patient reference")).to_have_value("TEST-EXPIRED-1")
