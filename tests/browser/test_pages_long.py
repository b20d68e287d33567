"""More than expected: long names, long texts, six images."""

import pytest
from playwright.sync_api import expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic, full_outcome, unsure_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Dermatologist
from tests.browser.pictures import carcinoma, drawn
from webapp.models import Role

pytestmark = pytest.mark.browser

LONG_NAME = (
    "Health Centre for Family Medicine of the Northern Metropolitan District " + ("with one more annexe " * 3)[:48]
)
UNBROKEN = "Dermatologist-" + "x" * 106
LONG_HISTORY = "bleeding" * 500


def test_long_names_and_texts_break_nothing(enter: Arrive, clinic: Clinic, admin: str) -> None:
    clinic.withdraw_everything()
    doctor_email = clinic.user(Role.GP, "GP-" + "y" * 117, centre=LONG_NAME)
    reader_email = clinic.user(Role.DERMATOLOGIST, UNBROKEN)
    facts = {"history": LONG_HISTORY, "clinical_question": "why" * 600, "patient_reference": "P" * 40}
    six = (*map(drawn, range(7, 12)), carcinoma())
    number = clinic.settled_case(doctor_email, unsure_outcome(), six, **facts)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, reader_email).open("/review/")
    check(reader.page, "long-worklist", focus=False)
    reader.read(number)
    reader.viewer_is_open(6)
    check(reader.page, "long-reading", focus=False)
    clinic.decide(number, reader_email, advice="x" * 4000)
    reader.open("/review/decided")
    check(reader.page, "long-decided", focus=False)
    doctor = enter(Role.GP, doctor_email).open("/cases/")
    check(doctor.page, "long-gp-list", focus=False)
    doctor.open(f"/cases/{number}")
    check(doctor.page, "long-case", focus=False)
    doctor.open(f"/histology/{number}")
    check(doctor.page, "long-histology", focus=False)
    doctor.open("/profile")
    check(doctor.page, "long-profile", focus=False)
    somebody = enter(Role.ADMIN, admin).open("/admin/accounts")
    check(somebody.page, "long-accounts", focus=False)
    somebody.open(f"/admin/accounts/{clinic.user_id(doctor_email)}")
    check(somebody.page, "long-account", focus=False)
    somebody.open("/admin/centres")
    check(somebody.page, "long-centres", focus=False)
    somebody.open("/admin/dashboard")
    check(somebody.page, "long-dashboard", focus=False)
    somebody.open("/admin/audit")
    check(somebody.page, "long-audit", focus=False)


def test_a_long_question_to_a_colleague_with_a_long_name(enter: Arrive, clinic: Clinic, gp: str) -> None:
    reader_email = clinic.user(Role.DERMATOLOGIST, UNBROKEN)
    asked_email = clinic.user(Role.DERMATOLOGIST, "Colleague-" + "z" * 110)
    number = clinic.settled_case(gp, full_outcome(), patient_reference="Q" * 40)
    clinic.decide(number, reader_email)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, reader_email).open(f"/review/{number}")
    reader.page.get_by_text("Ask a colleague for a second opinion").click()
    reader.page.get_by_label("Colleague").select_option(label="Colleague-" + "z" * 110)
    reader.page.get_by_label("Your question").fill("why" * 600)
    reader.click("Request second opinion")
    check(reader.page, "long-decided-case", focus=False)
    reader.open("/review/opinions")
    check(reader.page, "long-opinions-asked", focus=False)
    colleague: Dermatologist = enter(Role.DERMATOLOGIST, asked_email).open("/review/opinions")
    check(colleague.page, "long-opinions", focus=False)
    colleague.open(f"/review/{number}")
    check(colleague.page, "long-opinion-requested", focus=False)
    clinic.withdraw_everything()
    busy = clinic.settled_case(gp, full_outcome())
    reader.open("/review/")
    clinic.claim(busy, asked_email)
    reader.page.get_by_role("button", name=f"Review case {busy}").click()
    reader.sees_title(f"Case {busy} is being reviewed")
    check(reader.page, "long-busy", focus=False)
    # Then its row in the worklist is as high as any other
    reader.open("/review/")
    taken = reader.page.get_by_role("row").filter(has_text=busy)
    expect(taken).to_contain_text("Colleague-zzz")
    box = taken.bounding_box()
    assert box is not None
    assert box["height"] <= 50
