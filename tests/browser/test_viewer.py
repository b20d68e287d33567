"""The image viewer: the overlay covers exactly the analysed square, whatever is done to the view."""

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.checks import HEIGHT, check, photograph
from tests.browser.clinic import Clinic, full_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Dermatologist
from tests.browser.pictures import BLUE, GREEN, MARKS, drawn, marked_portrait, spot
from tests.patience import wait_until
from webapp.models import Role

pytestmark = pytest.mark.browser

PIXELS = 2.0
AT_REST = """(frame) => new Promise((done) => {
  let before = "", unchanged = 0;
  const look = () => {
    const { left, top, width, height } = frame.getBoundingClientRect();
    const now = [left, top, width, height].join();
    unchanged = now === before ? unchanged + 1 : 0;
    before = now;
    if (unchanged < 5) requestAnimationFrame(look); else done();
  };
  look();
})"""
"""The viewer moves its overlays in every frame: after five equal frames it has come to rest."""

Box = tuple[float, float, float, float]


def box(element: Locator) -> Box:
    """Left, top, width, height on the screen."""
    found = element.bounding_box()
    assert found is not None
    return found["x"], found["y"], found["width"], found["height"]


def in_viewer(image: Locator, name: str) -> Box:
    """The same, relative to the viewer's upper left corner, since the page may scroll."""
    left, top, *_ = box(image.locator(".viewer"))
    x, y, width, height = box(image.locator(name))
    return x - left, y - top, width, height


def settled(image: Locator) -> Box:
    """The position of the analysed square's frame in the viewer, once nothing moves."""
    image.locator(".analysed-frame").evaluate(AT_REST)
    return in_viewer(image, ".analysed-frame")


def moved(image: Locator, before: Box) -> Box:
    """The same, once it differs from before."""
    wait_until(lambda: max(abs(a - b) for a, b in zip(settled(image), before, strict=True)) > PIXELS)
    return settled(image)


def spots(image: Locator) -> tuple[tuple[float, float] | None, tuple[float, float] | None]:
    shot = image.locator(".viewer").screenshot()
    return spot(shot, GREEN), spot(shot, BLUE)


def square_by_its_spots(image: Locator) -> Box:
    """Where the analysed square must be in the viewer, calculated from the spots in the pixels on the screen."""
    green, blue = spots(image)
    assert green, "the green spot is not to be seen"
    assert blue, "the blue spot is not to be seen"
    (x1, y1), (x2, y2) = green, blue
    (u1, v1), (u2, v2) = MARKS[GREEN], MARKS[BLUE]
    width, height = (x2 - x1) / (u2 - u1), (y2 - y1) / (v2 - v1)
    return x1 - u1 * width, y1 - v1 * height, width, height


def assert_on_the_square(image: Locator) -> None:
    settled(image)
    expected = square_by_its_spots(image)
    for name in (".analysed-frame", "canvas.heatmap"):
        found = in_viewer(image, name)
        assert max(abs(a - b) for a, b in zip(found, expected, strict=True)) <= PIXELS, (name, found, expected)


@pytest.fixture
def portrait(clinic: Clinic, enter: Arrive, gp: str, dermatologist: str) -> Locator:
    """A reader views a portrait that was stored on its side; its heatmap is on, but fully transparent."""
    number = clinic.settled_case(gp, full_outcome(), (marked_portrait(),))
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    image = reader.viewer_is_open()
    reader.shows_map("Basal cell carcinoma")
    image.get_by_label("Opacity").fill("0")
    expect(image.locator("canvas.heatmap")).to_have_css("opacity", "0")
    wait_until(lambda: None not in spots(image))
    return image


def test_the_heatmap_lies_exactly_on_the_analysed_square(portrait: Locator) -> None:
    page = portrait.page
    assert_on_the_square(portrait)
    view = settled(portrait)
    # after zooming with the button
    portrait.get_by_role("button", name="Zoom in").click()
    view = moved(portrait, view)
    assert_on_the_square(portrait)
    # after dragging
    left, top, width, height = box(portrait.locator(".viewer"))
    page.mouse.move(left + width / 2, top + height / 2)
    page.mouse.down()
    page.mouse.move(left + width / 2 + 40, top + height / 2 - 25, steps=5)
    page.mouse.up()
    view = moved(portrait, view)
    assert_on_the_square(portrait)
    # after the wheel
    page.mouse.wheel(0, -120)
    view = moved(portrait, view)
    assert_on_the_square(portrait)
    # and in a narrower window
    portrait.get_by_role("button", name="Whole").click()
    page.set_viewport_size({"width": 390, "height": 800})
    portrait.locator(".viewer").scroll_into_view_if_needed()
    moved(portrait, view)
    assert_on_the_square(portrait)


def test_the_keyboard_moves_the_view_and_never_turns_or_traps(portrait: Locator) -> None:
    page = portrait.page
    canvas = portrait.locator(".openseadragon-canvas")
    canvas.focus()
    at_home = settled(portrait)

    def after(*keys: str) -> Box:
        for key in keys:
            page.keyboard.press(key)
        return settled(portrait)

    assert after("+")[2] > at_home[2]
    assert after("-")[2] == pytest.approx(at_home[2], abs=PIXELS)
    assert after("ArrowRight")[0] < at_home[0]
    assert after("0") == pytest.approx(at_home, abs=PIXELS)
    # A rotated or mirrored lesion would be described wrongly: these keys of the viewer's library are disabled.
    for key in ("r", "R", "f"):
        assert after(key) == pytest.approx(at_home, abs=PIXELS)
        assert_on_the_square(portrait)
    page.keyboard.press("Tab")
    expect(canvas).not_to_be_focused()


PHONE = {"width": 390, "height": 800}


def two_fingers_apart(reader: Dermatologist, image: Locator) -> None:
    left, top, width, height = box(image.locator(".viewer"))
    x, y = left + width / 2, top + height / 2
    session = reader.page.context.new_cdp_session(reader.page)
    for kind, gap in (("touchStart", 30), ("touchMove", 45), ("touchMove", 60), ("touchMove", 75), ("touchEnd", 0)):
        points = [{"x": x - gap, "y": y, "id": 1}, {"x": x + gap, "y": y, "id": 2}] if gap else []
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def test_on_a_telephone_the_page_scrolls_over_the_image_until_the_image_is_entered(
    clinic: Clinic, enter: Arrive, gp: str, dermatologist: str
) -> None:
    number = clinic.settled_case(gp, full_outcome(), (marked_portrait(),))
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist, viewport=PHONE, has_touch=True)
    image = reader.open(f"/review/{number}").viewer_is_open()
    page = reader.page
    image.locator(".viewer").scroll_into_view_if_needed()
    before = settled(image)
    left, top, width, height = box(image.locator(".viewer"))
    page.mouse.move(left + width / 2, top + height / 2)
    scrolled = page.evaluate("scrollY")
    page.mouse.wheel(0, 120)
    wait_until(lambda: page.evaluate("scrollY") > scrolled)
    assert settled(image) == pytest.approx(before, abs=PIXELS), "the wheel belongs to the page"
    assert image.locator(".openseadragon-canvas").evaluate("canvas => canvas.style.touchAction") == "auto"
    # entered, two fingers zoom the image
    image.get_by_role("button", name="Zoom and move the image").click()
    image.locator(".viewer").scroll_into_view_if_needed()
    two_fingers_apart(reader, image)
    larger = moved(image, before)
    assert larger[2] > before[2] * 1.3
    # and left again, the wheel is the page's
    image.get_by_role("button", name="Done").click()
    page.mouse.wheel(0, -120)
    assert settled(image) == pytest.approx(larger, abs=PIXELS)


def test_a_second_heatmap_replaces_the_first(clinic: Clinic, enter: Arrive, gp: str, dermatologist: str) -> None:
    number = clinic.settled_case(gp, full_outcome(), (drawn(), drawn(8)))
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    image = reader.viewer_is_open(2)
    for label in ("Basal cell carcinoma", "Melanoma", "Arborizing telangiectasia"):
        reader.shows_map(label, 2)
        expect(image.locator(".legend")).to_contain_text(f"{label}: strongest in the centre")
    # the same button takes it away
    reader.result(2).get_by_role("button", name="Map of Arborizing telangiectasia").click()
    expect(image.locator("canvas.heatmap")).to_have_count(0)
    expect(image.locator(".legend-what")).to_be_empty()


def test_the_heatmap_comes_without_a_jump_while_its_key_is_held(
    clinic: Clinic, enter: Arrive, gp: str, dermatologist: str
) -> None:
    number = clinic.settled_case(gp, full_outcome())
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    image = reader.viewer_is_open()
    keys, heatmap = reader.page.keyboard, image.locator("canvas.heatmap")
    before = box(image.locator(".viewer")), settled(image)
    # held, then let go
    keys.down("h")
    expect(heatmap).to_have_count(1)
    assert (box(image.locator(".viewer")), settled(image)) == before
    reader.page.wait_for_timeout(500)  # longer than a short press
    keys.down("h")  # as a keyboard repeats a key that is held
    expect(heatmap).to_have_count(1)
    keys.up("h")
    expect(heatmap).to_have_count(0)
    # pressed shortly, it stays until the next time
    keys.press("h")
    expect(heatmap).to_have_count(1)
    image.get_by_label("Contours").check()
    expect(image.locator("canvas.heatmap-contours")).to_have_count(1)
    assert (box(image.locator(".viewer")), settled(image)) == before
    keys.press("h")
    expect(heatmap).to_have_count(0)


def test_an_image_that_cannot_be_loaded_says_so(clinic: Clinic, enter: Arrive, gp: str, dermatologist: str) -> None:
    number = clinic.settled_case(gp, full_outcome())
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist)
    reader.page.route("**/media/images/*", lambda route: route.abort())
    reader.open(f"/review/{number}").sees("The image could not be loaded. Please reload the page.")
    reader.page.unroute_all()
    reader.troubles.said.clear()  # Chromium logs the connection that this test has cut


def test_a_heatmap_that_cannot_be_loaded_says_so(clinic: Clinic, enter: Arrive, gp: str, dermatologist: str) -> None:
    number = clinic.settled_case(gp, full_outcome())
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist)
    reader.page.route("**/media/heatmaps/*", lambda route: route.abort())
    image = reader.open(f"/review/{number}").viewer_is_open()
    button = reader.result().get_by_role("button", name="Map of Basal cell carcinoma")
    button.click()
    expect(image.get_by_role("status")).to_contain_text("The heatmap could not be loaded. Please try again.")
    expect(button).to_have_attribute("aria-pressed", "false")
    reader.page.unroute_all()
    reader.troubles.said.clear()  # Chromium logs the connection that this test has cut
    reader.shows_map("Basal cell carcinoma")
    expect(image.get_by_role("status")).to_contain_text("Basal cell carcinoma: strongest in the centre")


FITS = "() => document.documentElement.scrollHeight <= innerHeight && scrollY === 0"


def test_the_page_does_not_scroll_and_everything_to_decide_is_in_sight(
    clinic: Clinic, enter: Arrive, gp: str, dermatologist: str
) -> None:
    facts: dict[str, Any] = {
        "history": "Shiny nodule for about eight months. Synthetic example. " * 12,
        "clinical_question": "BCC?",
    }
    number = clinic.settled_case(gp, full_outcome(), tuple(drawn(i) for i in range(6)), **facts)
    clinic.claim(number, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    image = reader.viewer_is_open()
    photograph(reader.page, "in-sight-1280")
    assert reader.page.evaluate(FITS)
    _left, _top, width, height = box(image.locator(".viewer"))
    assert width > 1280 * 0.5
    assert height > HEIGHT * 0.55
    button = box(reader.page.get_by_role("button", name="Send decision to the GP"))
    assert button[1] + button[3] <= HEIGHT
    for label in ("Basal cell carcinoma", "Biopsy", "New images needed"):
        left, top, _width, height = box(reader.page.locator(".decision").get_by_label(label))
        assert left > 0
        assert top + height < button[1], label
    for position in range(1, 7):
        assert box(reader.page.locator(f'[data-frame="image-{position}"]'))[1] < HEIGHT


@pytest.mark.control("H2.5")
def test_nothing_is_sent_before_every_image_was_painted(
    clinic: Clinic, enter: Arrive, gp: str, dermatologist: str
) -> None:
    number = clinic.settled_case(gp, full_outcome(), (drawn(), drawn(8)))
    clinic.claim(number, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    reader.viewer_is_open()
    expect(reader.page.locator(".frame.unseen")).to_have_count(1)
    reader.choose("Basal cell carcinoma", "Biopsy")
    reader.click("Send decision to the GP")
    # the image that was not looked at is shown instead
    reader.sees("Image 2 of 2 has not been looked at yet. It is shown now: look, then send again.")
    expect(reader.result(2)).to_be_visible()
    assert clinic.audited(number)[-1] == "case.claimed"
    expect(reader.page.locator(".frame.unseen")).to_have_count(0)
    reader.click("Send decision to the GP")
    reader.sees(f"Decision saved for case {number}")


def test_without_a_script_every_image_and_result_stands_on_the_page(
    clinic: Clinic, enter: Arrive, gp: str, dermatologist: str
) -> None:
    number = clinic.settled_case(gp, full_outcome(), (drawn(), drawn(8)))
    clinic.claim(number, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist, java_script_enabled=False)
    reader.open(f"/review/{number}")
    for position in (1, 2):
        expect(reader.page.get_by_alt_text(f"Image {position} of case {number}")).to_be_visible()
        expect(reader.result(position)).to_be_visible()
    reader.choose("Basal cell carcinoma", "Biopsy")
    reader.click("Send decision to the GP")
    reader.sees(f"Decision saved for case {number}")


def test_on_a_telephone_the_button_stays_in_sight_and_leads_to_what_is_missing(
    clinic: Clinic, enter: Arrive, gp: str, dermatologist: str
) -> None:
    number = clinic.settled_case(gp, full_outcome())
    clinic.claim(number, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist, viewport=PHONE, has_touch=True)
    reader.open(f"/review/{number}").viewer_is_open()
    button = reader.page.get_by_role("button", name="Send decision to the GP")
    assert box(button)[1] + box(button)[3] <= PHONE["height"]
    for label in ("Basal cell carcinoma", "Biopsy"):
        button.click()
        group = reader.page.locator(".decision fieldset").filter(has=reader.page.get_by_label(label))
        expect(group.locator("input").first).to_be_focused()
        expect(group).to_be_in_viewport()
        reader.choose(label)
    button.click()
    reader.sees(f"Decision saved for case {number}")


def test_the_reading_room_can_be_dark_and_stays_so(clinic: Clinic, enter: Arrive, gp: str, dermatologist: str) -> None:
    number = clinic.settled_case(gp, full_outcome())
    clinic.claim(number, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    reader.viewer_is_open()
    reader.page.keyboard.press("l")
    reader.open(f"/review/{number}").viewer_is_open()
    expect(reader.page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    check(reader.page, "reading-dark", focus=False)


SHIFTS = """() => new Promise((done) => {
  let sum = 0;
  const add = (list) => { for (const entry of list.getEntries()) sum += entry.value; };
  new PerformanceObserver(add).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => done(sum), 500);
})"""


def test_on_a_telephone_the_page_opens_at_its_top_and_nothing_jumps(
    clinic: Clinic, enter: Arrive, gp: str, dermatologist: str
) -> None:
    number = clinic.settled_case(gp, full_outcome())
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist, viewport=PHONE)
    page = reader.open(f"/review/{number}").page
    reader.viewer_is_open()
    expect(page.get_by_role("button", name="Claim this case")).to_be_focused()
    assert page.evaluate("scrollY") == 0
    assert page.evaluate(SHIFTS) < 0.02
    assert (
        reader.page.locator(".map-button").first.evaluate("(it) => getComputedStyle(it, '::before').content") == "none"
    )
