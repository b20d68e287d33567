"""Marks for the GP and measuring: by mouse, by keyboard alone, and what the GP reads of them."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic, full_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Dermatologist, Gp
from tests.browser.pictures import drawn
from tests.web.helpers import stored_case
from webapp.models import Image, Role

pytestmark = [pytest.mark.browser, pytest.mark.story]

NO_SCALE = "no scale: measure something of known length, a ruler or the dermatoscope's graticule, and enter its length"


def picture(page: Page) -> tuple[float, float, float, float]:
    """Left, top, width and height of the whole image on the screen (640 × 480), which fits the viewer."""
    found = page.locator(".viewer").bounding_box()
    assert found is not None
    width = min(found["width"], found["height"] * 640 / 480)
    height = width * 480 / 640
    return (
        found["x"] + (found["width"] - width) / 2,
        found["y"] + (found["height"] - height) / 2,
        width,
        height,
    )


def click(page: Page, x: float, y: float) -> None:
    """In the image, at these fractions of its width and height."""
    left, top, width, height = picture(page)
    page.mouse.click(left + x * width, top + y * height)


def middle(ring: Locator) -> tuple[float, float]:
    box = ring.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def status(page: Page) -> Locator:
    return page.locator("[data-tool-status]")


def test_marks_by_mouse_reach_the_gp(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given a reader with a case of two images
    clinic.withdraw_everything()
    clinic.user(Role.DERMATOLOGIST, "Marks Colleague")
    number = clinic.settled_case(gp, full_outcome(), (drawn(7), drawn(8)))
    clinic.claim(number, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    reader.viewer_is_open()
    page = reader.page
    tool = page.get_by_role("button", name="Mark for the GP")
    # When the tool is on, then it says what to do, and Esc or the button end it
    tool.click()
    expect(status(page)).to_contain_text("Click where the mark goes")
    page.keyboard.press("Escape")
    expect(status(page)).to_be_hidden()
    tool.click()
    tool.click()
    expect(tool).to_have_attribute("aria-pressed", "false")
    click(page, 0.5, 0.5)
    expect(page.locator(".mark-ring")).to_have_count(0)
    # When a place is clicked, then it has a ring there, and its text is typed next
    tool.click()
    click(page, 0.25, 0.5)
    expect(page.get_by_label("Mark 1, image 1")).to_be_focused()
    page.keyboard.type("Biopsy here")
    left, top, width, height = picture(page)
    assert middle(page.locator(".mark-ring")) == pytest.approx((left + 0.25 * width, top + 0.5 * height), abs=2)
    page.keyboard.press("Enter")  # ends the text and sends nothing
    expect(page).to_have_url(re.compile(f"/review/{number}$"))
    # When another image is marked, then each image has its own ring
    reader.viewer_is_open(2)
    expect(page.locator(".mark-ring")).to_have_count(0)
    tool.click()
    click(page, 0.5, 0.75)
    page.keyboard.type("To be removed")
    tool.click()
    click(page, 0.75, 0.25)
    page.keyboard.type("Older scar")
    expect(page.locator(".mark-ring")).to_have_text(["2", "3"])
    # When one is removed, then the others are numbered anew
    page.get_by_role("button", name="Remove mark 2").click()
    expect(page.locator(".mark-ring")).to_have_text(["2"])
    expect(page.get_by_label("Mark 2, image 2")).to_have_value("Older scar")
    expect(page.get_by_label("Mark 2, image 2")).to_be_focused()
    check(page, "reading-marks", focus=False)
    # When a mark has no text, then the form says so and loses nothing
    page.get_by_label("Mark 2, image 2").fill("")
    reader.decide("Basal cell carcinoma", "Biopsy")
    reader.sees_errors()
    reader.sees("Say what mark 2 shows, or remove it.")
    check(page, "reading-marks-errors", focus=False)
    expect(page.get_by_label("Mark 1, image 1")).to_have_value("Biopsy here")
    page.get_by_label("Mark 2, image 2").fill("Older scar")
    # and asking a colleague keeps them too
    page.get_by_text("Ask a colleague for a second opinion").click()
    page.get_by_label("Colleague", exact=True).select_option(label="Marks Colleague")
    reader.click("Request second opinion")
    reader.sees("Second opinion requested")
    expect(page.get_by_label("Mark 2, image 2")).to_have_value("Older scar")
    reader.looks()
    reader.viewer_is_open(2)
    expect(page.locator("body[data-painted=image-2]")).to_be_attached()
    reader.decide("Basal cell carcinoma", "Biopsy")
    reader.sees(f"Decision saved for case {number}")
    # Then the decided case shows them, in the viewer and in words
    reader.open(f"/review/{number}").sees("Mark 1, image 1: Biopsy here")
    reader.viewer_is_open()
    expect(page.locator(".mark-ring")).to_have_text(["1"])
    check(page, "decided-marks", focus=False)
    # and the GP sees the marked images, without a script too
    for options in ({}, {"java_script_enabled": False}):
        doctor: Gp = enter(Role.GP, gp, **options).open(f"/cases/{number}")
        doctor.sees("Mark 2, image 2: Older scar")
        expect(doctor.page.locator("svg.rings")).to_have_count(2)
        image, rings = doctor.page.locator(".marked-image img").first, doctor.page.locator("svg.rings").first
        assert image.bounding_box() == pytest.approx(rings.bounding_box(), abs=1)
        if not options:
            check(doctor.page, "case-marks", focus=False)
            doctor.page.emulate_media(media="print")
            expect(rings).to_be_visible()


def test_marks_by_keyboard_alone(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    clinic.withdraw_everything()
    number = clinic.settled_case(gp, full_outcome())
    clinic.claim(number, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    reader.viewer_is_open()
    reader.looks()
    reader.will_not_reload()
    page, keys = reader.page, reader.page.keyboard
    # g, then Enter at the cross in the middle; the text is typed at once
    keys.press("g")
    expect(page.locator(".openseadragon-canvas")).to_be_focused()
    expect(page.locator(".cross")).to_be_visible()
    keys.press("Enter")
    keys.type("Biopsy in the middle, g and m and d included")
    keys.press("Enter")
    expect(page.locator(".cross")).to_be_hidden()
    # a second press of the key ends it, and so does Esc, which leaves the image only when pressed again
    keys.press("g")
    keys.press("g")
    expect(status(page)).to_be_hidden()
    keys.press("g")
    keys.press("Escape")
    expect(status(page)).to_be_hidden()
    expect(page.locator(".openseadragon-canvas")).to_be_focused()
    # the view can be moved under the cross
    keys.press("g")
    keys.press("+")
    keys.press("+")
    keys.press("ArrowRight")
    page.wait_for_timeout(700)  # until the view has come to rest
    keys.press("Enter")
    keys.type("To the right")
    keys.press("Escape")
    reader.has_not_reloaded()  # no Enter after a text has sent the decision
    # the decision goes out with four more keys, as ever
    for key in ("1", "b", "d", "Enter"):
        keys.press(key)
    reader.sees(f"Decision saved for case {number}")
    with stored_case(clinic.app, number) as case:
        first, second = case.reviews[-1].marks
        assert (first.x, first.y) == pytest.approx((0.5, 0.5), abs=0.01)
        assert first.text == "Biopsy in the middle, g and m and d included"
        assert second.x > 0.52
        assert second.y == pytest.approx(0.5, abs=0.01)


def test_a_lesion_is_measured(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given an image without a scale, and an unfinished decision
    clinic.withdraw_everything()
    number = clinic.settled_case(gp, full_outcome())
    clinic.claim(number, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    reader.viewer_is_open()
    reader.choose("Basal cell carcinoma")
    reader.will_not_reload()
    page = reader.page
    # When a line is drawn, then its length is in pixels, and the page says what is missing
    page.get_by_role("button", name="Measure").click()
    click(page, 0.25, 0.5)
    expect(status(page)).to_have_text("Now the other end.")
    click(page, 0.75, 0.5)
    expect(status(page)).to_contain_text(NO_SCALE)
    expect(status(page)).to_contain_text(re.compile(r"^(319|320|321) pixels"))
    expect(page.locator(".measured path")).to_have_count(4)
    check(page, "reading-measure", focus=False)
    # When its length is impossible, then it says why
    page.get_by_label("This line is").fill("0")
    reader.click("Save as scale")
    reader.sees("Enter a length in mm over 0 and up to 100, for example 10.")
    check(page, "reading-measure-errors", focus=False)
    # When it is known, then every line is in mm, and nothing of the decision is lost
    page.get_by_label("This line is").fill("16")
    reader.click("Save as scale")
    expect(status(page)).to_have_text(re.compile(r"^16\.0 mm \(scale set by Test Dermatologist on .+\)$"))
    click(page, 0.5, 0.4)
    click(page, 0.5, 0.6)
    expect(status(page)).to_contain_text(re.compile(r"^4\.8 mm"))
    reader.has_not_reloaded()
    expect(page.get_by_role("radio", name="Basal cell carcinoma")).to_be_checked()
    check(page, "reading-measured", focus=False)
    page.keyboard.press("Escape")
    expect(page.locator(".measured")).to_have_count(0)
    # Then a later reader measures in mm at once, by keyboard alone, and can correct the scale
    email = clinic.user(Role.DERMATOLOGIST, "Later Reader")
    later: Dermatologist = enter(Role.DERMATOLOGIST, email).open(f"/review/{number}")
    later.viewer_is_open()
    later.looks()
    keys = later.page.keyboard
    for key in ("m", "Enter"):
        keys.press(key)
    for _ in range(3):
        keys.press("ArrowLeft")
    later.page.wait_for_timeout(700)
    keys.press("Enter")
    expect(status(later.page)).to_contain_text(re.compile(r"^\d+\.\d mm \(scale set by Test Dermatologist"))
    keys.press("Tab")
    expect(later.page.get_by_label("Correct the scale: this line is")).to_be_focused()
    keys.type("2,5")
    keys.press("Enter")
    expect(status(later.page)).to_contain_text("2.5 mm (scale set by Later Reader")
    keys.press("m")
    expect(status(later.page)).to_be_hidden()
    with stored_case(clinic.app, number) as case:
        image: Image = case.images[0]
        assert image.mm_per_pixel is not None
        assert image.mm_per_pixel != pytest.approx(0.05, rel=0.01)
