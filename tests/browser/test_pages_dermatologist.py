"""The dermatologist's pages in every state."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic, former_outcome, full_outcome, unsure_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Dermatologist
from tests.conftest import outcome
from webapp.models import FailureReason, Role, Urgency

pytestmark = pytest.mark.browser

HISTORY = "Shiny nodule for about eight months. Bleeds at times. Synthetic example."


def test_a_click_anywhere_in_a_row_opens_the_case(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    number = clinic.settled_case(gp, full_outcome())
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    reader.row(number).locator(".cell-lead").click(force=True)  # the link covers it
    reader.sees_title(f"Case {number}")
    reader.sees("Not claimed")


CLAIMED_WITH = {
    "failed": FailureReason.TIMED_OUT,
    "waiting": None,
    "absent": outcome(0.02),
    "former": former_outcome(),
}


def reading(name: str) -> Callable[[Clinic, str, str], str]:
    """Makes a case whose review page is in the named state; returns its number."""

    def unclaimed(clinic: Clinic, gp: str, _reader: str) -> str:
        return clinic.settled_case(gp, full_outcome(), history=HISTORY, clinical_question="BCC?", birth_year=1948)

    def claimed(clinic: Clinic, gp: str, reader: str) -> str:
        number = clinic.settled_case(gp, full_outcome(), history=HISTORY)
        clinic.claim(number, reader)
        return number

    def decided(clinic: Clinic, gp: str, reader: str) -> str:
        number = clinic.settled_case(gp, full_outcome())
        clinic.decide(number, reader)
        return number

    def busy(clinic: Clinic, gp: str, _reader: str) -> str:
        number = clinic.settled_case(gp, full_outcome())
        clinic.claim(number, clinic.user(Role.DERMATOLOGIST, "Another Dermatologist"))
        return number

    def unsure(clinic: Clinic, gp: str, reader: str) -> str:
        number = clinic.settled_case(gp, unsure_outcome(), urgency=Urgency.URGENT, synthetic=True)
        clinic.claim(number, reader)
        return number

    def rate(clinic: Clinic, _gp: str, _reader: str) -> str:
        doctor = clinic.user(Role.GP, "Doctor of a rate", centre="Centre with a rate")
        clinic.set_rate("Centre with a rate", 0.1)
        return clinic.settled_case(doctor, full_outcome(0.62))

    def claimed_with(clinic: Clinic, gp: str, reader: str) -> str:
        number = clinic.settled_case(gp, CLAIMED_WITH[name])
        clinic.claim(number, reader)
        return number

    return claimed_with if name in CLAIMED_WITH else locals()[name]


STATES = ["unclaimed", "claimed", "decided", "busy", "failed", "waiting", "unsure", "absent", "former", "rate"]


@pytest.mark.parametrize("state", STATES)
def test_reading_page(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str, state: str) -> None:
    number = reading(state)(clinic, gp, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    expect(reader.page.locator(".openseadragon-canvas")).to_be_visible()
    if state == "claimed":
        reader.shows_map("Basal cell carcinoma")
    for details in reader.page.locator(".evidence").all():
        details.evaluate("details => { details.open = true; }")
    check(reader.page, f"reading-{state}", focus=state in ("unclaimed", "claimed"))


def test_decision_with_errors(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    number = reading("claimed")(clinic, gp, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    reader.looks()
    reader.click("Send decision to the GP")
    reader.sees_errors()
    summary = reader.page.locator("#error-summary")
    expect(summary.get_by_role("link")).to_have_count(2)
    check(reader.page, "reading-errors")
    summary.get_by_role("link", name="Choose a management option.").press("Enter")
    expect(reader.page.get_by_label("Urgent dermatology appointment")).to_be_focused()


def test_a_decision_that_came_too_late(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    number = reading("claimed")(clinic, gp, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    clinic.decide(number, dermatologist)
    reader.decide("Benign lesion", "Routine dermatology appointment", "What I had written.")
    reader.sees("What I had written.")
    check(reader.page, "too-late")


def test_my_decisions(enter: Arrive, clinic: Clinic, gp: str) -> None:
    colleague = clinic.user(Role.DERMATOLOGIST, "New Dermatologist")
    reader = enter(Role.DERMATOLOGIST, colleague).open("/review/decided")
    reader.sees("No decisions yet")
    check(reader.page, "decided-empty")
    for _ in range(3):
        clinic.decide(clinic.settled_case(gp, full_outcome()), colleague)
    reader.open("/review/decided")
    check(reader.page, "decided")
