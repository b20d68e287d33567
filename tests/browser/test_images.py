"""Choosing images: judged before sending, dropped, taken with the camera; and the draft of the form."""

import base64
import re

import pytest
from playwright.sync_api import expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic
from tests.browser.conftest import Arrive
from tests.browser.people import Gp, image_files
from tests.browser.pictures import blurred, fresh
from webapp.models import Role

pytestmark = pytest.mark.browser

DROP = """async (data) => {
  const files = new DataTransfer();
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  files.items.add(new File([bytes], "dropped.png", { type: "image/png" }));
  const zone = document.getElementById("drop-zone");
  for (const kind of ["dragover", "drop"])
    zone.dispatchEvent(new DragEvent(kind, { dataTransfer: files, bubbles: true, cancelable: true }));
}"""


def test_a_poor_image_is_noticed_before_sending_and_sent_with_a_reason(enter: Arrive, clinic: Clinic, gp: str) -> None:
    # Given a sharp and a blurred image in the form
    doctor: Gp = enter(Role.GP, gp)
    doctor.begin_case("TEST-SOFT")
    reason = doctor.page.get_by_label("Why send it all the same?")
    expect(reason).to_be_hidden()
    doctor.choose_images(fresh(), blurred())
    # Then each says how good it is, and a reason is asked for
    expect(doctor.preview(1)).to_contain_text("Sharp and bright enough")
    expect(doctor.preview(2)).to_contain_text("retake: out of focus")
    expect(reason).to_be_visible()
    check(doctor.page, "case-new-remarks", focus=False)
    # When it is sent without one
    doctor.send()
    # Then the field says which image is meant, and everything is kept
    expect(reason).to_have_accessible_description(re.compile("Image 2 .*retake: out of focus"))
    expect(doctor.preview(2)).to_contain_text("retake: out of focus")
    # and with a reason it goes through
    reason.fill("The lesion is ulcerated.")
    doctor.send()
    doctor.sent_case()
    expect(doctor.page.locator(".gallery img")).to_have_count(2)


def test_an_image_that_was_sent_before_is_noticed(enter: Arrive, gp: str) -> None:
    again = fresh()
    doctor: Gp = enter(Role.GP, gp)
    doctor.begin_case("TEST-ONCE")
    doctor.choose_images(again)
    doctor.send()
    number = doctor.sent_case()
    doctor.begin_case("TEST-AGAIN")
    doctor.choose_images(again)
    expect(doctor.preview(1)).to_contain_text(f"this very image was sent with case {number}")


def test_images_come_from_a_drop_and_from_the_camera_as_well(enter: Arrive, gp: str) -> None:
    doctor: Gp = enter(Role.GP, gp, has_touch=True, is_mobile=True, viewport={"width": 390, "height": 800})
    doctor.begin_case("TEST-DROP")
    doctor.choose_images(fresh())
    doctor.page.evaluate(DROP, base64.b64encode(fresh()).decode())
    camera = doctor.page.get_by_label("Or take a photograph")
    expect(camera).to_be_visible()
    camera.set_input_files(image_files(fresh()))
    expect(doctor.page.locator("#previews li img")).to_have_count(3)
    doctor.send()
    doctor.sent_case()
    expect(doctor.page.locator(".gallery img")).to_have_count(3)


def test_what_was_typed_is_here_again_until_it_is_sent(enter: Arrive, gp: str) -> None:
    doctor: Gp = enter(Role.GP, gp)
    doctor.begin_case("TEST-DRAFT", site="Ear")
    doctor.page.get_by_label("History").fill("Bleeds at times.")
    doctor.page.get_by_label("Urgent").check()
    doctor.open("/cases/").open("/cases/new")
    doctor.sees("What you typed before is here again")
    expect(doctor.page.get_by_label("Patient reference")).to_have_value("TEST-DRAFT")
    expect(doctor.site("Ear")).to_be_checked()
    expect(doctor.page.get_by_label("Urgent")).to_be_checked()
    expect(doctor.page.get_by_label("The patient, or who decides")).not_to_be_checked()
    doctor.confirm()
    doctor.choose_images(fresh())
    doctor.send()
    doctor.sent_case()
    doctor.open("/cases/new")
    expect(doctor.page.get_by_label("Patient reference")).to_have_value("")


@pytest.mark.parametrize("leave", ["cancel", "sign out"])
def test_a_draft_is_forgotten_by_cancelling_and_by_signing_out(arrive: Arrive, clinic: Clinic, leave: str) -> None:
    doctor: Gp = arrive(Gp).sign_in(clinic.user(Role.GP))  # signing out ends every session of an account
    doctor.begin_case("TEST-FORGET")
    if leave == "cancel":
        doctor.click("Cancel", "link")
    else:
        doctor.click("Sign out")
    doctor.page.wait_for_url(re.compile("/cases/$|/login"))
    assert doctor.page.evaluate("() => sessionStorage.length") == 0


def test_a_session_that_ended_does_not_cost_the_draft(arrive: Arrive, gp: str) -> None:
    doctor: Gp = arrive(Gp).sign_in(gp)
    doctor.begin_case("TEST-EXPIRED")
    doctor.page.context.clear_cookies()
    doctor.open("/cases/new")
    doctor.page.get_by_label("E-mail").fill(gp)
    doctor.page.get_by_label("Password").fill("four unrelated clinic words")
    doctor.click("Sign in")
    doctor.sees_title("New case")
    expect(doctor.page.get_by_label("Patient reference")).to_have_value("TEST-EXPIRED")
