"""The image viewer: the overlay covers exactly the analysed square, whatever is done to the view."""

from typing import Any

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.checks import HEIGHT, photograph
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
    image.get_by_label("Basal cell carcinoma").check()
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
    portrait.get_by_role("button", name="Whole image").click()
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


def test_two_fingers_zoom_on_a_telephone(clinic: Clinic, enter: Arrive, gp: str, dermatologist: str) -> None:
    number = clinic.settled_case(gp, full_outcome(), (marked_portrait(),))
    phone = {"width": 390, "height": 800}
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist, viewport=phone, has_touch=True)
    image = reader.open(f"/review/{number}").viewer_is_open()
    image.locator(".viewer").scroll_into_view_if_needed()
    before = settled(image)
    left, top, width, height = box(image.locator(".viewer"))
    x, y = left + width / 2, top + height / 2
    session = reader.page.context.new_cdp_session(reader.page)
    for kind, gap in (("touchStart", 30), ("touchMove", 45), ("touchMove", 60), ("touchMove", 75), ("touchEnd", 0)):
        points = [{"x": x - gap, "y": y, "id": 1}, {"x": x + gap, "y": y, "id": 2}] if gap else []
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert moved(image, before)[2] > before[2] * 1.3


def test_a_second_heatmap_replaces_the_first(clinic: Clinic, enter: Arrive, gp: str, dermatologist: str) -> None:
    number = clinic.settled_case(gp, full_outcome(), (drawn(), drawn(8)))
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    image = reader.viewer_is_open(2)
    for label in ("Basal cell carcinoma", "Melanoma", "BCC structure"):
        image.get_by_label(label).check()
        expect(image.locator("canvas.heatmap")).to_have_count(1)
    # the keyboard goes through the heatmaps, and the other image is unaffected
    reader.page.keyboard.press("ArrowDown")
    expect(image.get_by_label("Off")).to_be_checked()
    expect(image.locator("canvas.heatmap")).to_have_count(0)
    expect(reader.viewer_is_open(1).get_by_label("Off")).to_be_checked()


def test_an_image_that_cannot_be_loaded_says_so(clinic: Clinic, enter: Arrive, gp: str, dermatologist: str) -> None:
    number = clinic.settled_case(gp, full_outcome())
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist)
    reader.page.route("**/media/images/*", lambda route: route.abort())
    reader.open(f"/review/{number}").sees("The image could not be loaded. Please reload the page.")
    reader.page.unroute_all()
    reader.troubles.said.clear()  # Chromium logs the connection that this test has cut


def test_a_heatmap_that_cannot_be_loaded_says_so(clinic: Clinic, enter: Arrive, gp: str, dermatologist: str) -> None:
    number = clinic.settled_case(gp, full_outcome())
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    image = reader.viewer_is_open()
    reader.page.route("**/media/heatmaps/*", lambda route: route.abort())
    image.get_by_label("Basal cell carcinoma").click()
    expect(image.get_by_role("status")).to_have_text("The heatmap could not be loaded. Please try again.")
    expect(image.get_by_label("Off")).to_be_checked()
    reader.page.unroute_all()
    reader.troubles.said.clear()  # Chromium logs the connection that this test has cut
    image.get_by_label("Basal cell carcinoma").check()
    expect(image.locator("canvas.heatmap")).to_have_count(1)
    expect(image.get_by_role("status")).to_be_empty()


def test_side_by_side_shows_the_image_and_the_image_with_the_heatmap(portrait: Locator) -> None:
    page = portrait.page
    button = portrait.get_by_role("button", name="Side by side")
    portrait.get_by_label("Off").check()
    button.click()
    # the first heatmap is shown automatically, over the second image only
    expect(portrait.locator(".viewer")).to_have_count(2)
    expect(portrait.locator("canvas.heatmap")).to_have_count(1)
    plain, mapped = portrait.locator(".viewer").first, portrait.locator(".viewer").last
    expect(mapped.locator("canvas.heatmap")).to_have_count(1)
    assert box(plain)[1] == pytest.approx(box(mapped)[1])
    # both move together
    marks = [view.locator(".analysed-frame") for view in (plain, mapped)]
    before = box(marks[0])
    portrait.get_by_role("button", name="Zoom in").click()
    wait_until(lambda: box(marks[0])[2] > before[2] + PIXELS)
    for mark in marks:
        mark.evaluate(AT_REST)
    frames = [box(mark) for mark in marks]
    views = [box(view) for view in (plain, mapped)]
    inside = [(frame[0] - view[0], frame[1] - view[1], *frame[2:]) for frame, view in zip(frames, views, strict=True)]
    assert inside[0] == pytest.approx(inside[1], abs=PIXELS)
    photograph(page, "side-by-side-1280")
    # and back: the heatmap is over the single image again
    button.click()
    expect(portrait.locator(".viewer")).to_have_count(1)
    expect(portrait.locator(".viewer canvas.heatmap")).to_have_count(1)
    assert_on_the_square(portrait)


def test_diagnosis_and_management_are_in_sight_without_scrolling(
    clinic: Clinic, enter: Arrive, gp: str, dermatologist: str
) -> None:
    facts: dict[str, Any] = {
        "history": "Shiny nodule for about eight months. Synthetic example.",
        "clinical_question": "BCC?",
    }
    number = clinic.settled_case(gp, full_outcome(), **facts)
    clinic.claim(number, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    reader.viewer_is_open()
    photograph(reader.page, "in-sight-1280")
    button = box(reader.page.get_by_role("button", name="Send decision to the GP"))
    assert button[1] + button[3] <= HEIGHT
    for label in ("Basal cell carcinoma", "Biopsy", "New images needed"):
        left, top, _width, height = box(reader.page.locator(".decision").get_by_label(label))
        assert left > 0
        assert top + height < button[1], label
