"""The worklist in use: a screenful of it, a queue that is kept, search, what is new, and the preview."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic, full_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Dermatologist
from tests.conftest import outcome
from webapp.models import Role, Urgency

pytestmark = [pytest.mark.browser, pytest.mark.story]

VISIBLE = """() => Array.from(document.querySelectorAll(".worklist tr:has([data-row])"))
  .map((row) => row.getBoundingClientRect())
  .filter((place) => place.top >= 0 && place.bottom <= window.innerHeight)
  .map((place) => place.height)"""


def test_twelve_rows_on_a_small_screen(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given two sections of cases, with everything that makes a row long
    clinic.withdraw_everything()
    for _ in range(6):
        clinic.settled_case(gp, full_outcome(), urgency=Urgency.URGENT, clinical_question="Long question. " * 40)
        clinic.settled_case(gp, outcome(0.5), patient_reference="PATIENT-REFERENCE-OF-FORTY-CHARACTERS-04")
    # When the list is opened on a small screen
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist, viewport={"width": 1280, "height": 800})
    reader.open("/review/").page.wait_for_load_state()
    # Then twelve rows are seen at once
    heights = reader.page.evaluate(VISIBLE)
    assert len(heights) >= 12
    assert {round(height) for height in heights} <= set(range(44, 53))
    check(reader.page, "worklist-dense", focus=False)


def test_a_queue_is_worked_by_keys_to_its_end(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given two cases sent as soon, and an urgent one before them
    clinic.withdraw_everything()
    soon = [clinic.settled_case(gp, outcome(probability), urgency=Urgency.SOON) for probability in (0.9, 0.5)]
    urgent = clinic.settled_case(gp, outcome(0.02), urgency=Urgency.URGENT)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/?urgency=soon")
    # When the first of the queue is decided
    reader.page.keyboard.press("n")
    reader.sees_title(f"Case {soon[0]}")
    reader.decide("Basal cell carcinoma", "Biopsy")
    # Then the next one of the queue comes, and the way back leads into the queue
    reader.sees_title(f"Case {soon[1]}")
    reader.page.keyboard.press("w")
    reader.sees_title("Worklist")
    reader.sees("1 of 2 open cases matches your filters")
    expect(reader.page.get_by_text("Filter and sort: Soon")).to_be_visible()
    # and at its end its own list is shown, although another case is open
    reader.page.keyboard.press("n")
    reader.sees_title(f"Case {soon[1]}")
    reader.decide("Basal cell carcinoma", "Biopsy")
    reader.sees("No cases match these filters")
    reader.page.get_by_role("link", name="All open").click()
    expect(reader.row(urgent)).to_be_visible()


def test_search_and_preview_by_keys(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given two open cases of one patient, and another
    clinic.withdraw_everything()
    likely, calm = (clinic.settled_case(gp, outcome(p), patient_reference="PC-77") for p in (0.9, 0.02))
    clinic.settled_case(gp, full_outcome(0.6))
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    page, keys = reader.page, reader.page.keyboard
    expect(reader.row(likely)).to_contain_text("1 more open")
    # When the patient is searched for
    keys.press("/")
    keys.type("pc-77")
    keys.press("Enter")
    # Then only that patient's cases are listed
    expect(page.locator("[data-row]")).to_have_text([likely, calm])
    # When the first one is previewed
    page.wait_for_load_state()
    keys.press("j")
    keys.press("Space")
    dialog = page.get_by_role("dialog", name="Preview")
    expect(dialog).to_contain_text(f"Case {likely}")
    expect(dialog).to_contain_text("BCC 90 %")
    expect(dialog.get_by_role("img")).to_have_js_property("complete", True)
    check(page, "worklist-preview", focus=False)
    # Then j goes on to the next, Space closes and leaves the focus on its row, and Enter opens it
    keys.press("j")
    expect(dialog).to_contain_text(f"Case {calm}")
    keys.press("Space")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name=calm)).to_be_focused()
    keys.press("Enter")
    reader.sees_title(f"Case {calm}")
    assert page.url.endswith("?q=pc-77")


def test_what_is_new_shows_without_reloading(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given a list that is open
    clinic.withdraw_everything()
    clinic.settled_case(gp, outcome(0.5))
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    reader.will_not_reload()
    # When cases arrive
    urgent = clinic.settled_case(gp, outcome(0.02), urgency=Urgency.URGENT)
    clinic.settled_case(gp, outcome(0.5))
    # Then the page says so by itself, and shows them when asked
    news = reader.page.get_by_role("link", name="2 new, 1 urgent: show")
    expect(news).to_be_visible()
    reader.has_not_reloaded()
    check(reader.page, "worklist-news", focus=False)
    news.click()
    expect(reader.row(urgent)).to_be_visible()
    expect(reader.page.get_by_role("link", name=re.compile("new"))).to_have_count(0)
