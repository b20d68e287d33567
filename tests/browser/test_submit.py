"""The GP's form: errors at their fields, nothing lost or duplicated, and no JavaScript needed."""

import re

import pytest
from playwright.sync_api import FilePayload, expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic
from tests.browser.conftest import Arrive
from tests.browser.people import Gp, image_files
from tests.browser.pictures import drawn, fresh, truncated
from webapp.models import Role

pytestmark = pytest.mark.browser

DARK = "rgb(14, 79, 92)"
CHOSEN = "() => Array.from(document.getElementById('images').files, (file) => file.name)"


def test_an_incomplete_form_says_what_is_missing_and_keeps_the_images(enter: Arrive, gp: str) -> None:
    # Given a form with only images
    doctor: Gp = enter(Role.GP, gp).open("/cases/new")
    doctor.choose_images(fresh(), fresh())
    expect(doctor.page.locator("#previews li")).to_have_count(2)
    # When it is sent
    doctor.send()
    # Then the summary has the focus and links to each field, which says what is wrong
    doctor.sees_errors()
    summary = doctor.page.locator("#error-summary")
    expect(summary.get_by_role("link")).to_have_count(4)
    reference = doctor.page.get_by_label("Patient reference")
    expect(reference).to_have_attribute("aria-invalid", "true")
    expect(reference).to_have_accessible_description(re.compile("Enter your centre's code"))
    summary.get_by_role("link", name="Choose a body site.").click()
    expect(doctor.site("Scalp")).to_be_focused()
    # and the images are still chosen
    assert doctor.page.evaluate(CHOSEN) == ["lesion-1.png", "lesion-2.png"]
    expect(doctor.page.locator("#previews img")).to_have_count(2)
    check(doctor.page, "case-new-errors")
    # and once the form is complete, the case is sent with both
    reference.fill("TEST-FORM-1")
    doctor.choose_site("Back")
    doctor.confirm()
    doctor.send()
    doctor.sent_case()
    expect(doctor.page.locator(".gallery img")).to_have_count(2)


def test_a_sent_case_is_confirmed_and_opened_once(enter: Arrive, clinic: Clinic, gp: str) -> None:
    doctor: Gp = enter(Role.GP, gp)
    doctor.begin_case("TEST-SENT-1")
    doctor.choose_images(fresh())
    doctor.send()
    number = doctor.sent_case()
    expect(doctor.page.get_by_text(f"Case {number} was sent")).to_be_visible()
    assert clinic.audited(number, views=True).count("case.viewed") == 1


def test_a_truncated_image_is_refused_and_its_replacement_accepted(enter: Arrive, clinic: Clinic, gp: str) -> None:
    doctor: Gp = enter(Role.GP, gp)
    before = clinic.count(gp)
    # Given a complete form with half of an image
    doctor.begin_case("TEST-CUT-1", site="Ear")
    doctor.page.get_by_label("History").fill("Bleeds at times.")
    doctor.choose_images(fresh(), truncated())
    # When it is sent
    doctor.send()
    # Then the message at the field names the image, and the other input is kept
    damaged = "Image 2 (lesion-2.jpg): The image is damaged or incomplete. Please export or upload it again."
    expect(doctor.page.locator("#images-error")).to_have_text(damaged)
    expect(doctor.page.locator("#error-summary")).to_be_focused()
    expect(doctor.page.get_by_label("Patient reference")).to_have_value("TEST-CUT-1")
    expect(doctor.page.get_by_label("History")).to_have_value("Bleeds at times.")
    assert clinic.count(gp) == before
    # and without it the case is sent
    doctor.click("Remove lesion-2.jpg")
    doctor.send()
    doctor.sent_case()
    assert clinic.count(gp) == before + 1


def test_a_lost_connection_loses_nothing(enter: Arrive, clinic: Clinic, gp: str) -> None:
    doctor: Gp = enter(Role.GP, gp)
    before = clinic.count(gp)
    doctor.begin_case("TEST-LOST-1")
    doctor.choose_images(fresh())
    doctor.page.route("**/cases/new", lambda route: route.abort())
    doctor.send()
    expect(doctor.page.get_by_role("status").filter(has_text="The connection was lost")).to_be_visible()
    doctor.troubles.said.clear()  # Chromium logs the connection that this test has cut
    doctor.page.unroute("**/cases/new")
    doctor.send()
    doctor.sent_case()
    assert clinic.count(gp) == before + 1


def test_a_server_with_too_much_to_do_gets_the_case_a_little_later(enter: Arrive, clinic: Clinic, gp: str) -> None:
    doctor: Gp = enter(Role.GP, gp)
    before = clinic.count(gp)
    doctor.begin_case("TEST-BUSY-1")
    doctor.choose_images(fresh())
    doctor.page.route("**/cases/new", lambda route: route.fulfill(status=503, headers={"Retry-After": "2"}), times=1)
    doctor.send()
    waiting = doctor.page.get_by_role("status").filter(has_text="please leave this page open")
    expect(waiting).to_be_visible()
    doctor.troubles.said.clear()  # Chromium logs the refusal
    doctor.sent_case()
    assert clinic.count(gp) == before + 1


def test_files_that_cannot_be_images_are_named_before_sending(enter: Arrive, gp: str) -> None:
    doctor: Gp = enter(Role.GP, gp).open("/cases/new")
    letter: FilePayload = {"name": "letter.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"}
    doctor.images.set_input_files([*image_files(*[drawn()] * 6), letter])
    refused = doctor.page.locator("#previews .refused")
    expect(refused).to_have_text(
        [re.compile("letter.pdf ?not a JPEG, PNG or WebP image"), "Maximum 6 images: please remove 1"]
    )
    check(doctor.page, "case-new-refused-files", focus=False)
    expect(refused.locator("img")).to_have_count(0)
    doctor.click("Remove letter.pdf")
    expect(refused).to_have_count(0)
    expect(doctor.page.get_by_role("button", name="Remove lesion-6.png")).to_be_focused()
    # A text that only calls itself a JPEG leaves no picture of a broken picture beside its name
    text: FilePayload = {"name": "text.jpg", "mimeType": "image/jpeg", "buffer": b"No image at all."}
    doctor.images.set_input_files([text])
    line = doctor.page.locator("#previews li").filter(has_text="text.jpg")
    expect(line).to_have_class("refused")
    expect(line.locator("img")).to_have_count(0)


def test_the_form_works_without_javascript(enter: Arrive, clinic: Clinic, gp: str) -> None:
    before = clinic.count(gp)
    doctor: Gp = enter(Role.GP, gp, java_script_enabled=False)
    doctor.begin_case("TEST-PLAIN-1", site="Hand")
    doctor.choose_images(truncated())
    doctor.send()
    doctor.sees("damaged or incomplete")
    expect(doctor.page.locator("noscript p", has_text="choose the images again")).to_be_visible()
    expect(doctor.page.get_by_label("Patient reference")).to_have_value("TEST-PLAIN-1")
    doctor.choose_images(fresh())
    doctor.send()
    number = doctor.sent_case()
    doctor.sees(f"Case {number}")
    assert clinic.count(gp) == before + 1


@pytest.mark.parametrize("script", [True, False])
def test_pointing_at_the_figure_chooses_the_body_site(enter: Arrive, gp: str, script: bool) -> None:
    doctor: Gp = enter(Role.GP, gp, java_script_enabled=script).open("/cases/new")
    figure = doctor.page.locator(".body-map")
    for part, name in (("back", "Back"), ("hand", "Hand"), ("other", "Other site"), ("ear", "Ear")):
        figure.locator(f"[data-site={part}] label").last.click()
        expect(doctor.site(name)).to_be_checked()
        # both views of the figure show it, and nothing else
        dark = figure.locator(f"[data-site={part}] :is(path, ellipse)")
        for shape in dark.all():
            expect(shape).to_have_css("fill", DARK)
        expect(figure.locator("[data-site=chest] path")).not_to_have_css("fill", DARK)
    # and the choice survives a refusal
    doctor.send()
    expect(doctor.page.locator("#error-summary")).to_be_visible()
    expect(doctor.site("Ear")).to_be_checked()
