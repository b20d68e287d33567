"""What a GP can get wrong while sending, and how it is put right: nothing typed is lost, no patient is mixed up."""

import re

import pytest
from playwright.sync_api import FilePayload, Route, expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic
from tests.browser.conftest import Arrive
from tests.browser.people import Dermatologist, Gp, image_files
from tests.browser.pictures import drawn, fresh
from tests.conftest import outcome
from webapp.models import Role

pytestmark = [pytest.mark.browser, pytest.mark.story]


def test_a_withdrawn_case_is_sent_again(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given a case that a dermatologist is reading
    photograph = fresh()
    number = clinic.settled_case(gp, outcome(0.3), (photograph,), patient_reference="STORY-AGAIN-1")
    clinic.claim(number, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    reader.choose("Benign lesion", "Biopsy")
    doctor: Gp = enter(Role.GP, gp).open(f"/cases/{number}")
    # When it is withdrawn without a reason, then it waits on
    doctor.page.get_by_text("Withdraw this case").click()
    doctor.click(f"Withdraw case {number}")
    doctor.sees_errors()
    check(doctor.page, "case-withdraw-errors", focus=False)
    # When there is a reason, then the reader is told, and cannot decide any more
    doctor.page.locator(".withdraw").get_by_label("Reason").fill("The wrong side was marked.")
    doctor.click(f"Withdraw case {number}")
    doctor.sees("Reason: The wrong side was marked.")
    reader.click("Send decision to the GP")
    reader.sees("The GP has withdrawn this case. Reason: The wrong side was marked.")
    # When it is sent again, then everything but the images is there, and the same photograph is taken
    doctor.click("Send this case again", "link")
    expect(doctor.page.get_by_label("Patient reference")).to_have_value("STORY-AGAIN-1")
    expect(doctor.site("Face")).to_be_checked()
    doctor.choose_site("Face", "Right")
    doctor.choose_images(photograph)
    expect(doctor.preview(1)).to_contain_text("Sharp and bright enough")
    doctor.confirm()
    doctor.send()
    assert doctor.sent_case() != number
    doctor.sees("Face, right")
    doctor.troubles.said.clear()


def test_a_form_sent_before_and_changed_since_loses_nothing(enter: Arrive, clinic: Clinic, gp: str) -> None:
    # Given a form whose case was stored, but the answer never came back
    doctor: Gp = enter(Role.GP, gp)
    doctor.begin_case("STORY-TWICE-1")
    doctor.choose_images(fresh())
    before = clinic.count(gp)

    def lose_the_answer(route: Route) -> None:
        route.fetch(max_redirects=0)
        route.abort()

    doctor.page.route("**/cases/new", lose_the_answer, times=1)
    doctor.send()
    doctor.sees("The connection was lost.")
    assert clinic.count(gp) == before + 1
    # When it is changed for another patient and sent, then it is refused in words, and the patient is still there
    doctor.page.get_by_label("Patient reference").fill("STORY-TWICE-2")
    doctor.send()
    doctor.sees("This form was sent before, as case")
    expect(doctor.page.get_by_label("Patient reference")).to_have_value("STORY-TWICE-2")
    assert clinic.count(gp) == before + 1
    # When the image has been exchanged too, then it is a case of its own
    doctor.page.locator("#previews").get_by_role("button").click()
    doctor.choose_images(fresh())
    doctor.send()
    doctor.sent_case()
    assert clinic.count(gp) == before + 2
    doctor.troubles.said.clear()  # Chromium logs the connection that was lost


def test_a_file_changed_on_the_disk_is_chosen_again(enter: Arrive, clinic: Clinic, gp: str, tmp_path) -> None:
    # Given a chosen image that another program then replaces
    photograph = tmp_path / "lesion.png"
    photograph.write_bytes(fresh())
    before = clinic.count(gp)
    doctor: Gp = enter(Role.GP, gp)
    doctor.begin_case("STORY-CHANGED-1")
    doctor.images.set_input_files(photograph)
    expect(doctor.preview(1)).to_contain_text("Sharp and bright enough")
    photograph.unlink()
    # When the case is sent, then the page says which file to choose again, and keeps the rest
    doctor.send()
    doctor.sees("“lesion.png” was changed or moved after you chose it. Please choose it again.")
    assert clinic.count(gp) == before
    doctor.page.get_by_role("button", name="Remove lesion.png").click()
    doctor.choose_images(fresh())
    doctor.send()
    doctor.sent_case()
    doctor.troubles.said.clear()  # Chromium logs the file that is gone


def test_what_could_identify_the_patient_is_asked_about(enter: Arrive, clinic: Clinic, gp: str) -> None:
    doctor: Gp = enter(Role.GP, gp)
    doctor.begin_case("STORY-NAMED-1")
    doctor.page.get_by_label("History").fill("Mrs Example, born 3/4/1950, telephone +34 600 000 000.")
    doctor.choose_images(fresh())
    doctor.send()
    # Then each is named, and nothing is sent
    doctor.sees_errors()
    for kind in ("“Mrs Example” looks like a name", "“3/4/1950” looks like a date of birth", "a telephone number"):
        doctor.sees(kind)
    check(doctor.page, "case-new-identifiers", focus=False)
    # When what identifies is taken out, then it is sent
    doctor.page.get_by_label("History").fill("An elderly woman.")
    doctor.send()
    number = doctor.sent_case()
    # and one patient is one reference, however it is spelt
    follow = clinic.settled_case(gp, outcome(0.3), patient_reference=" story-named-1 ")
    doctor.open("/cases/?q=Story-NAMED-1")
    for each in (number, follow):
        expect(doctor.page.locator(".case-row").filter(has_text=each)).to_have_count(1)


def test_a_photograph_of_a_telephones_own_kind_is_refused_with_the_way_out(enter: Arrive, gp: str) -> None:
    heic = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(200)
    for script in (True, False):
        doctor: Gp = enter(Role.GP, gp, java_script_enabled=script)
        doctor.begin_case("STORY-HEIC-1")
        photograph: FilePayload = {"name": "IMG_0001.heic", "mimeType": "image/heic", "buffer": heic}
        doctor.images.set_input_files([*image_files(drawn()), photograph] if script else [photograph])
        if not script:
            doctor.send()
        doctor.sees(re.compile("a HEIC photograph.*share or export it as JPEG", re.DOTALL))
