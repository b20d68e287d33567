"""The dermatologist's journeys up to the decision: worklist, claims, review."""

import re
from datetime import timedelta

import pytest
from playwright.sync_api import FloatRect, Locator, expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic, full_outcome, unsure_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Dermatologist, percentages
from tests.browser.pictures import drawn
from tests.conftest import outcome
from tests.patience import wait_until
from webapp.models import FailureReason, Role, Urgency, utcnow
from webapp.review.worklist_queries import PAGE_SIZE

pytestmark = [pytest.mark.browser, pytest.mark.story]


def test_a_worklist_is_read_from_the_top(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given more than a page of cases, of every kind
    clinic.withdraw_everything()
    for probability in (0.004, 0.31, 0.31, 0.86, 0.995):
        clinic.settled_case(gp, outcome(probability), birth_year=1950)
    urgent = clinic.settled_case(gp, full_outcome(), urgency=Urgency.URGENT, pictures=(drawn(), drawn(8)))
    unsure = clinic.settled_case(gp, unsure_outcome(), urgency=Urgency.SOON)
    failed = clinic.settled_case(gp, FailureReason.TIMED_OUT)
    mine, taken = clinic.settled_case(gp, None), clinic.settled_case(gp, full_outcome(0.5), synthetic=True)
    clinic.claim(mine, dermatologist)
    clinic.claim(taken, clinic.user(Role.DERMATOLOGIST, "Another Dermatologist"))
    late = clinic.settled_case(gp, outcome(0.7))
    clinic.wait_since(late, utcnow() - timedelta(days=15))
    # When the dermatologist opens the worklist
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    # Then pressing cases come first, by due date; then those that need a person; then the others by probability
    rows = reader.page.locator(".worklist tr:has([data-row])")
    expect(rows).to_have_count(11)
    numbers = reader.page.locator(".worklist tbody [data-row]").all_inner_texts()
    assert numbers[:6] == [late, urgent, unsure, taken, failed, mine]
    trusted = rows.locator(".cell-lead strong").all_inner_texts()[-5:]
    assert percentages(trusted) == sorted(percentages(trusted), reverse=True)
    # and each section of the list has its heading
    headings = reader.page.locator("tr.section th")
    expect(headings).to_have_text(
        [re.compile(f"^{words}") for words in ("Now 4", "Needs a person 2", "Suspected 4", "The rest 1")]
    )
    # and each gives its reason, its due date and any other suspected cancer
    expect(reader.row(failed)).to_contain_text("Analysis failed")
    expect(reader.row(unsure)).to_contain_text("Not dermoscopy")
    expect(reader.row(unsure)).to_contain_text("melanoma 31 %, not trusted")
    expect(reader.row(late)).to_contain_text("24 h overdue")
    expect(reader.row(unsure)).to_contain_text("6 days left")
    expect(reader.row(mine).get_by_role("button", name="Continue reviewing")).to_be_visible()
    expect(reader.row(taken)).to_contain_text("Another Dermatologist")
    check(reader.page, "worklist")
    # When it is narrowed with a count or the filters, then only matching cases are left
    reader.page.get_by_role("link", name="Overdue 1").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(late)
    reader.open("/review/").page.get_by_text("Filter and sort").click()
    reader.page.get_by_label("Urgency").select_option(label="Urgent")
    reader.click("Apply")
    expect(rows).to_have_count(1)
    reader.sees("1 of 11 open cases matches your filters")
    check(reader.page, "worklist-filtered", focus=False)
    reader.page.get_by_text("Filter and sort: Urgent").click()
    reader.page.get_by_label("Pattern present").select_option(label="Spoke wheel areas")
    reader.click("Apply")
    reader.sees("No cases match these filters")
    check(reader.page, "worklist-no-match", focus=False)
    # When there are more than fit on a page, then the last ones are on the next
    for _ in range(PAGE_SIZE - 10):
        clinic.settled_case(gp, outcome(0.5))
    reader.open("/review/").page.get_by_role("link", name="More cases").click()
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("< 1 %")
    expect(headings).to_have_text([re.compile("^The rest 1")])
    reader.click("Back to the top", "link")
    expect(rows).to_have_count(PAGE_SIZE)


def test_a_case_has_one_reader(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    # Given a case that a colleague claimed while the worklist was open here
    clinic.withdraw_everything()
    number, following = (clinic.settled_case(gp, outcome(probability)) for probability in (0.9, 0.6))
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    email = clinic.user(Role.DERMATOLOGIST, "Another Dermatologist")
    colleague: Dermatologist = enter(Role.DERMATOLOGIST, email).open("/review/")
    colleague.read(number)
    # When the second reader wants it too
    with reader.page.expect_response(f"**/review/{number}/claim") as answer:
        reader.page.get_by_role("button", name=f"Review case {number}").click()
    # Then a page says who has it, and offers the next one
    assert answer.value.status == 409
    reader.sees_title(f"Case {number} is being reviewed")
    reader.sees("Another Dermatologist has claimed this case")
    check(reader.page, "busy")
    # When it can't wait, then it can be taken over, but only with a reason
    take_over = "Take over from Another Dermatologist"
    reader.click(take_over)
    reader.sees_errors()
    check(reader.page, "busy-errors", focus=False)
    reader.page.get_by_label("Reason for taking over").fill("The patient is here.")
    reader.click(take_over)
    reader.sees_title(f"Case {number}")
    reader.sees("Your decision")
    # and the colleague reads the reason
    colleague.open(f"/review/{number}").sees("took this case over from you. Reason: The patient is here.")
    check(colleague.page, "reading-taken-over", focus=False)
    # When it is decided, then the next free case is shown, one step from being claimed
    reader.decide("Basal cell carcinoma", "Biopsy")
    reader.sees_title(f"Case {following}")
    reader.page.get_by_role("button", name="Claim this case").click()
    reader.sees("Claimed by you until")


def test_what_the_model_saw_is_explained(enter: Arrive, clinic: Clinic, gp: str) -> None:
    # Given a case whose patterns suggest BCC while its probability does not
    clinic.withdraw_everything()
    number = clinic.settled_case(gp, full_outcome(0.05))
    email = clinic.user(Role.DERMATOLOGIST, "Test Attentive")
    reader: Dermatologist = enter(Role.DERMATOLOGIST, email).open("/review/")
    # When it is read
    reader.read(number)
    image = reader.viewer_is_open()
    # Then probability and clinical rule are shown side by side, with a sentence saying that they disagree
    expect(reader.result()).to_contain_text("not suspected (threshold 10.0 %)")
    unnamed = "a BCC structure whose kind is not told apart"
    reader.sees(f"Clinical rule: No pigment network, and ulceration, arborizing telangiectasia and {unnamed}.")
    reader.sees("They disagree: the rule suggests BCC, the probability does not. Please look closely.")
    check(reader.page, "reading-contradiction", focus=False)
    # and the image can be enlarged and moved
    small = place(image)
    image.get_by_role("button", name="Zoom in").click()
    wait_until(lambda: place(image)["width"] > 1.2 * small["width"])
    large = place(image)
    image.locator(".openseadragon-canvas").press("ArrowRight")
    wait_until(lambda: place(image)["x"] < large["x"] - 5)
    # and there is a heatmap for each finding that is present and has a place, with its strength in words
    expect(reader.result().locator("[data-map]")).to_have_count(3)
    reader.sees("No reliable place: Ulceration.")
    reader.shows_map("Arborizing telangiectasia")
    heatmap = image.locator("canvas.heatmap")
    expect(heatmap).to_have_css("opacity", "0.6")
    image.get_by_label("Opacity").fill("80")
    expect(heatmap).to_have_css("opacity", "0.8")
    expect(image.locator(".legend")).to_contain_text("Arborizing telangiectasia: strongest in the centre")
    expect(image.locator(".legend")).to_contain_text("full strength")
    check(reader.page, "reading-heatmap", focus=False)
    image.get_by_role("button", name="Heatmap").click()
    expect(heatmap).to_have_count(0)
    # When the reader prefers not to see the model's result first
    reader.click("Release without deciding")
    reader.open("/profile").page.get_by_label("Hide the model's result").check()
    reader.click("Save")
    blinded = clinic.settled_case(gp, full_outcome())
    reader.open("/review/")
    expect(reader.row(blinded)).to_contain_text("hidden")
    expect(reader.page.locator("[scope=rowgroup]")).to_have_count(0)
    check(reader.page, "worklist-blinded", focus=False)
    reader.read(blinded)
    # Then it is shown after the reader's own impression, and both are kept
    expect(reader.page.locator("main")).not_to_contain_text("86 %")
    expect(reader.page.locator("[data-map], [data-heatmap]")).to_have_count(0)
    check(reader.page, "impression", focus=False)
    reader.choose("Benign lesion", "Biopsy")
    reader.click("Save and show the model's result")
    reader.sees("86 %")
    expect(reader.page.get_by_label("Benign lesion")).to_be_checked()
    reader.decide("Basal cell carcinoma", "Biopsy")
    reader.sees(f"Decision saved for case {blinded}")
    assert clinic.audited(blinded)[-2:] == ["case.impression", "case.decided"]


def place(image: Locator) -> FloatRect:
    """The position of the analysed square on the screen."""
    found = image.locator(".analysed-frame").bounding_box()
    assert found is not None
    return found
