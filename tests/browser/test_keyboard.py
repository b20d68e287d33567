"""The whole of a reader's work without a mouse."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic, full_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import PASSWORD, Dermatologist
from tests.browser.pictures import fresh
from tests.conftest import outcome
from webapp.models import Role

pytestmark = pytest.mark.browser

MOST_TABS = 60
FOCUS_IS_ON = """(wanted) => {
  const e = document.activeElement;
  if (!e.matches("a, button, input, select, textarea")) return false;
  const own = e.labels && e.labels.length ? Array.from(e.labels, (l) => l.textContent).join(" ") : e.textContent;
  return `${e.getAttribute("aria-label") || ""} ${own}`.includes(wanted);
}"""


def tab_to(page: Page, wanted: str) -> None:
    """Tab until the focus is on the control whose name contains ``wanted``."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUS_IS_ON, wanted):
            return
    raise AssertionError(f"Tab does not reach {wanted!r}")


def test_signing_in_claiming_and_deciding_by_keyboard(
    clinic: Clinic, arrive: Arrive, gp: str, dermatologist: str
) -> None:
    clinic.withdraw_everything()
    number = clinic.settled_case(gp, full_outcome())
    reader: Dermatologist = arrive(Dermatologist)
    page = reader.open("/login").page
    keys = page.keyboard
    # sign in: the first field already has the focus
    expect(page.get_by_label("Email")).to_be_focused()
    keys.type(dermatologist)
    keys.press("Tab")
    keys.type(PASSWORD)
    keys.press("Enter")
    reader.sees_title("Worklist")
    # skip the header, straight to the content
    keys.press("Tab")
    expect(page.get_by_role("link", name="Skip to main content")).to_be_focused()
    keys.press("Enter")
    tab_to(page, f"Review case {number}")
    keys.press("Enter")
    reader.sees_title(f"Case {number}")
    reader.viewer_is_open()
    # look at a heatmap
    tab_to(page, "Heatmap")
    keys.press("Space")
    expect(page.locator("canvas.heatmap")).to_have_count(1)
    tab_to(page, "Opacity")
    keys.press("ArrowRight")
    expect(page.locator("canvas.heatmap")).not_to_have_css("opacity", "0.6")
    # decide
    tab_to(page, "Basal cell carcinoma 1")
    keys.press("Space")
    expect(page.locator(".decision").get_by_label("Basal cell carcinoma")).to_be_checked()
    tab_to(page, "Urgent dermatology appointment")
    keys.press("ArrowDown")
    expect(page.get_by_label("Biopsy")).to_be_checked()
    tab_to(page, "Send decision to the GP")
    keys.press("Enter")
    reader.sees(f"Decision saved for case {number}")
    assert clinic.audited(number)[-1] == "case.decided"


def test_a_gp_sends_a_case_by_keyboard(clinic: Clinic, enter: Arrive, gp: str) -> None:
    doctor = enter(Role.GP, gp).open("/cases/")
    page, keys = doctor.page, doctor.page.keyboard
    tab_to(page, "New case")
    keys.press("Enter")
    doctor.sees_title("New case")
    with page.expect_file_chooser() as chooser:
        # Chromium receives this setting on another channel than keys, so a key may overtake it. The queries of
        # tab_to follow on the setting's channel: once they are answered, the setting is in effect.
        tab_to(page, "Dermoscopic images")
        keys.press("Space")
    chooser.value.set_files({"name": "lesion.png", "mimeType": "image/png", "buffer": fresh()})
    expect(page.locator("#previews img")).to_have_count(1)
    tab_to(page, "Patient reference")
    keys.type("TEST-KEYS-1")
    tab_to(page, "Scalp")
    for _ in range(3):
        keys.press("ArrowDown")
    expect(doctor.site("Neck")).to_be_checked()
    tab_to(page, "Left")
    keys.press("Space")
    expect(doctor.site("Left")).to_be_checked()
    tab_to(page, "Routine")
    keys.press("ArrowRight")
    expect(page.get_by_label("Soon")).to_be_checked()
    tab_to(page, "The patient, or the person who decides")
    keys.press("Space")
    tab_to(page, "No image or text includes")
    keys.press("Space")
    tab_to(page, "Send case")
    keys.press("Enter")
    doctor.sent_case()
    doctor.sees("Soon")


def test_the_keys_are_listed_rest_while_typing_and_can_be_switched_off(
    clinic: Clinic, enter: Arrive, gp: str, dermatologist: str
) -> None:
    number = clinic.settled_case(gp, full_outcome())
    clinic.claim(number, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    reader.viewer_is_open()
    page, keys = reader.page, reader.page.keyboard
    # the list
    keys.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("Basal cell carcinoma")
    expect(dialog).to_contain_text("Heatmap: hold to look, press to switch")
    check(page, "shortcuts", focus=False)
    keys.press("1")
    expect(page.get_by_label("Basal cell carcinoma").last).not_to_be_checked()
    keys.press("Escape")
    expect(dialog).to_be_hidden()
    # the heatmap, that of the next finding, and off
    keys.press("h")
    expect(page.locator(".legend")).to_contain_text("Basal cell carcinoma: ")
    keys.press("f")
    expect(page.locator(".legend")).to_contain_text("Melanoma: ")
    keys.press("h")
    expect(page.locator("canvas.heatmap")).to_have_count(0)
    # a key that opens the next case elsewhere does nothing here, however often it bounces
    keys.press("n")
    expect(page.locator("input[name=management]:checked")).to_have_count(0)
    # into the image
    keys.press("v")
    expect(page.locator(".openseadragon-canvas")).to_be_focused()
    # no shortcuts while typing
    keys.press("a")
    advice = page.get_by_label("Advice to the GP")
    expect(advice).to_be_focused()
    keys.type("1 ubcd?")
    expect(advice).to_have_value("1 ubcd?")
    expect(page.locator("input[name=diagnosis]:checked")).to_have_count(0)
    keys.press("Escape")
    keys.press("2")
    expect(page.locator("input[name=diagnosis]:checked")).to_have_count(1)
    # and switched off
    keys.press("?")
    page.get_by_label("Use keyboard shortcuts").uncheck()
    page.get_by_role("button", name="Close").click()
    keys.press("3")
    expect(page.get_by_label("Precancerous lesion")).not_to_be_checked()
    expect(page.locator(".key-hint").first).to_be_hidden()
    reader.open("/review/")
    keys.press("n")
    reader.sees_title("Worklist")


def test_up_and_down_the_worklist(clinic: Clinic, enter: Arrive, gp: str, dermatologist: str) -> None:
    clinic.withdraw_everything()
    numbers = [clinic.settled_case(gp, outcome(probability)) for probability in (0.9, 0.01)]  # in two sections
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    links = [reader.page.get_by_role("link", name=number) for number in numbers]
    for key, link in zip("jjk", (links[0], links[1], links[0]), strict=True):
        reader.page.keyboard.press(key)
        expect(link).to_be_focused()
    reader.page.keyboard.press("Enter")
    reader.sees_title(f"Case {numbers[0]}")
