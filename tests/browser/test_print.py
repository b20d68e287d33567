"""What comes out of the printer: no controls, nothing cut off, words whole."""

import pytest

from tests.browser.clinic import Clinic, full_outcome
from tests.browser.conftest import Arrive
from webapp.models import Role

pytestmark = pytest.mark.browser

A4 = {"width": 718, "height": 1000}
LONG_NAME = "Dr Maximiliana Alexandrowna von Hohenberg-Schwarzenfels"
FITS = "() => document.documentElement.scrollWidth <= window.innerWidth"
CONTROLS = """() => Array.from(document.querySelectorAll("button, input, select"))
  .filter((control) => control.offsetParent).map((control) => control.outerHTML)"""
NARROW = """() => Array.from(document.querySelectorAll("table th, table td"))
  .filter((cell) => cell.offsetParent && cell.textContent.trim().length > 12 && cell.clientWidth < 45)
  .map((cell) => `${cell.clientWidth} px: ${cell.textContent.trim()}`)"""


@pytest.mark.parametrize(
    ("role", "path"),
    [(Role.ADMIN, "/admin/dashboard"), (Role.ADMIN, "/admin/accounts"), (Role.DERMATOLOGIST, "/review/")],
)
def test_a_list_is_printed_whole(enter: Arrive, clinic: Clinic, gp: str, admin: str, role: Role, path: str) -> None:
    reader = clinic.user(Role.DERMATOLOGIST, LONG_NAME)
    clinic.claim(
        clinic.settled_case(gp, full_outcome(), patient_reference="PATIENT-REFERENCE-OF-FORTY-CHARACTERS-04"), reader
    )
    person = enter(role, admin if role is Role.ADMIN else clinic.user(role, "Printing Dermatologist"), viewport=A4)
    page = person.open(path).page
    page.emulate_media(media="print")
    page.wait_for_function(FITS)  # once the new layout is there
    assert page.evaluate(NARROW) == []
    assert page.evaluate(CONTROLS) == []
