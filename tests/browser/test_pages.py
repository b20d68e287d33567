"""Every page in every state: accessible, nothing sideways, quiet console, labels, visible focus; at both widths."""

import time
from collections.abc import Callable
from datetime import timedelta
from unittest.mock import patch

import pytest
from itsdangerous import TimestampSigner
from playwright.sync_api import expect

from tests.browser.checks import check, photograph, violations
from tests.browser.clinic import Clinic, full_outcome, unsure_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Admin, Dermatologist, Gp, Person, percentages
from tests.browser.pictures import carcinoma, drawn
from tests.conftest import outcome
from webapp.accounts import service as accounts
from webapp.database import transaction
from webapp.models import FailureReason, Management, Role, Urgency, User

pytestmark = pytest.mark.browser

LONG_NAME = (
    "Health Centre for Family Medicine of the Northern Metropolitan District " + ("with one more annexe " * 3)[:48]
)
UNBROKEN = "Dermatologist-" + "x" * 106
LONG_HISTORY = "bleeding" * 500
HISTORY = "Shiny nodule for about eight months. Bleeds at times. Synthetic example."


# --- the GP's pages


def test_gp_list(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    clinic.settled_case(gp, None)
    clinic.decide(clinic.settled_case(gp, full_outcome()), dermatologist)
    doctor = enter(Role.GP, gp).open("/cases/")
    expect(doctor.page.locator(".case-row").first).to_contain_text("Answered")
    check(doctor.page, "gp-list")
    doctor.open("/cases/?q=NO-SUCH-CODE").sees("Nothing found")
    check(doctor.page, "gp-list-nothing-found")


def test_new_case(enter: Arrive, gp: str) -> None:
    doctor: Gp = enter(Role.GP, gp).open("/cases/new")
    check(doctor.page, "case-new")
    doctor.choose_images(drawn(), drawn(8), drawn(9))
    expect(doctor.page.locator("#previews img")).to_have_count(3)
    photograph(doctor.page, "case-new-previews-1280")


def test_gp_case_in_each_state(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    facts = {"history": HISTORY, "clinical_question": "BCC?", "birth_year": 1948, "phototype": 2}
    doctor = enter(Role.GP, gp)
    number = clinic.settled_case(gp, None, **facts)
    doctor.open(f"/cases/{number}").sees("In the queue")
    check(doctor.page, "case-analysing")
    withdrawn = number
    number = clinic.settled_case(gp, FailureReason.TIMED_OUT, **facts)
    doctor.open(f"/cases/{number}").sees("No reliable result")
    check(doctor.page, "case-analysis-failed")
    number = clinic.settled_case(gp, full_outcome(), **facts)
    doctor.open(f"/cases/{number}").sees("In the worklist")
    check(doctor.page, "case-waiting")
    clinic.claim(number, dermatologist)
    doctor.open(f"/cases/{number}").sees("Being read now")
    check(doctor.page, "case-being-read")
    clinic.decide(number, dermatologist)
    doctor.open(f"/cases/{number}").sees("Biopsy")
    check(doctor.page, "case-answered")
    wanted = clinic.settled_case(gp, full_outcome(), **facts)
    clinic.decide(wanted, dermatologist, "Please focus on the border. Synthetic example.", Management.RETAKE)
    doctor.open(f"/cases/{wanted}").sees("Please focus on the border")
    check(doctor.page, "case-new-images-wanted")
    clinic.withdraw_everything()
    doctor.open(f"/cases/{withdrawn}").sees("withdrawn")
    check(doctor.page, "case-withdrawn")
    clinic.close(number, gp)
    doctor.open(f"/cases/{number}").sees("Read and closed")
    check(doctor.page, "case-closed")
    doctor.page.emulate_media(media="print")
    photograph(doctor.page, "case-closed-print")
    expect(doctor.page.get_by_role("heading", name="The dermatologist's answer")).to_be_visible()
    expect(doctor.page.locator(".header")).to_be_hidden()
    assert violations(doctor.page) == []


# --- the dermatologist's pages


def test_worklist_with_many_cases(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    clinic.withdraw_everything()
    for probability in (0.004, 0.31, 0.31, 0.86, 0.995):
        clinic.settled_case(gp, outcome(probability), birth_year=1950)
    clinic.settled_case(gp, full_outcome(), urgency=Urgency.URGENT, pictures=(drawn(), drawn(8)))
    clinic.settled_case(gp, unsure_outcome(), urgency=Urgency.SOON)
    clinic.settled_case(gp, FailureReason.TIMED_OUT)
    mine = clinic.settled_case(gp, None)
    taken = clinic.settled_case(gp, full_outcome(0.5), synthetic=True)
    clinic.claim(mine, dermatologist)
    clinic.claim(taken, clinic.user(Role.DERMATOLOGIST, "Another Dermatologist"))
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    # those that need a person first, then by probability
    needing = [row.locator(".person").count() for row in reader.page.locator(".worklist tbody tr").all()]
    assert needing == sorted(needing, reverse=True)
    assert sum(needing) == 5
    trusted = reader.page.locator(".worklist tbody tr:not(.needs-person) .cell-probability strong").all_inner_texts()
    assert len(trusted) == 5
    assert percentages(trusted) == sorted(percentages(trusted), reverse=True)
    expect(reader.row(mine).get_by_role("button", name="Go on reading")).to_be_visible()
    expect(reader.row(taken)).to_contain_text("Another Dermatologist is reading")
    check(reader.page, "worklist")


def test_a_click_anywhere_in_a_row_opens_the_case(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    number = clinic.settled_case(gp, full_outcome())
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    reader.row(number).locator(".cell-why").click(force=True)  # what lies over it is the link
    reader.sees_title(f"Case {number}")
    reader.sees("Not reserved")


def reading(name: str) -> Callable[[Clinic, str, str], str]:
    """How to make a case whose reading page is in the named state; returns its number."""

    def unclaimed(clinic: Clinic, gp: str, _reader: str) -> str:
        return clinic.settled_case(gp, full_outcome(), history=HISTORY, clinical_question="BCC?", birth_year=1948)

    def claimed(clinic: Clinic, gp: str, reader: str) -> str:
        number = clinic.settled_case(gp, full_outcome(), history=HISTORY)
        clinic.claim(number, reader)
        return number

    def decided(clinic: Clinic, gp: str, reader: str) -> str:
        number = clinic.settled_case(gp, full_outcome())
        clinic.decide(number, reader)
        return number

    def busy(clinic: Clinic, gp: str, _reader: str) -> str:
        number = clinic.settled_case(gp, full_outcome())
        clinic.claim(number, clinic.user(Role.DERMATOLOGIST, "Another Dermatologist"))
        return number

    def failed(clinic: Clinic, gp: str, reader: str) -> str:
        number = clinic.settled_case(gp, FailureReason.TIMED_OUT)
        clinic.claim(number, reader)
        return number

    def waiting(clinic: Clinic, gp: str, reader: str) -> str:
        number = clinic.settled_case(gp, None)
        clinic.claim(number, reader)
        return number

    def unsure(clinic: Clinic, gp: str, reader: str) -> str:
        number = clinic.settled_case(gp, unsure_outcome(), urgency=Urgency.URGENT, synthetic=True)
        clinic.claim(number, reader)
        return number

    def absent(clinic: Clinic, gp: str, reader: str) -> str:
        number = clinic.settled_case(gp, outcome(0.02))
        clinic.claim(number, reader)
        return number

    def contradiction(clinic: Clinic, gp: str, reader: str) -> str:
        number = clinic.settled_case(gp, full_outcome(0.05))
        clinic.claim(number, reader)
        return number

    return locals()[name]  # type: ignore[no-any-return]


STATES = ["unclaimed", "claimed", "decided", "busy", "failed", "waiting", "unsure", "absent", "contradiction"]


@pytest.mark.parametrize("state", STATES)
def test_reading_page(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str, state: str) -> None:
    number = reading(state)(clinic, gp, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    expect(reader.page.locator(".openseadragon-canvas")).to_be_visible()
    if state == "claimed":
        reader.page.locator(".overlay-choice").get_by_label("Basal cell carcinoma").check()
        expect(reader.page.locator("canvas.heatmap")).to_be_visible()
    check(reader.page, f"reading-{state}", focus=state in ("unclaimed", "claimed"))


def test_decision_with_errors(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    number = reading("claimed")(clinic, gp, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    reader.click("Decide, and answer the GP")
    reader.sees_errors()
    summary = reader.page.locator("#error-summary")
    expect(summary.get_by_role("link")).to_have_count(2)
    check(reader.page, "reading-errors")
    summary.get_by_role("link", name="Please choose what is to be done.").press("Enter")
    expect(reader.page.get_by_label("Urgent appointment in dermatology")).to_be_focused()
    # no appointment for a cancer needs a reason, and the rest of the form is kept
    reader.decide("Basal cell carcinoma", "No appointment: reassure, with safety-net advice", "Synthetic advice.")
    expect(reader.page.get_by_label("Reason for no appointment")).to_have_attribute("aria-invalid", "true")
    expect(reader.page.get_by_label("Advice to the GP")).to_have_value("Synthetic advice.")
    check(reader.page, "reading-reason-missing", focus=False)


def test_a_case_that_a_colleague_reads(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    clinic.withdraw_everything()
    number = clinic.settled_case(gp, full_outcome())
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open("/review/")
    clinic.claim(number, clinic.user(Role.DERMATOLOGIST, "Another Dermatologist"))
    reader.page.get_by_role("button", name=f"Read case {number}").click()
    reader.sees_title(f"Case {number} is being read")
    check(reader.page, "busy")


def test_a_decision_that_came_too_late(enter: Arrive, clinic: Clinic, gp: str, dermatologist: str) -> None:
    number = reading("claimed")(clinic, gp, dermatologist)
    reader: Dermatologist = enter(Role.DERMATOLOGIST, dermatologist).open(f"/review/{number}")
    clinic.decide(number, dermatologist)
    reader.decide("Benign lesion", "Routine dermatology clinic", "What I had written.")
    reader.sees("What I had written.")
    check(reader.page, "too-late")


def test_my_decisions(enter: Arrive, clinic: Clinic, gp: str) -> None:
    colleague = clinic.user(Role.DERMATOLOGIST, "New Dermatologist")
    reader = enter(Role.DERMATOLOGIST, colleague).open("/review/decided")
    reader.sees("No decisions yet")
    check(reader.page, "decided-empty")
    for _ in range(3):
        clinic.decide(clinic.settled_case(gp, full_outcome()), colleague)
    reader.open("/review/decided")
    check(reader.page, "decided")


# --- the administrator's pages


def test_accounts_and_centres(enter: Arrive, clinic: Clinic, admin: str, gp: str) -> None:
    somebody: Admin = enter(Role.ADMIN, admin).open("/admin/accounts")
    link = somebody.invite("Invited GP", "invited@test.example", "GP", "Browser Centre")
    assert "/reset/" in link
    somebody.sees_title("Link for Invited GP")
    check(somebody.page, "admin-link")
    somebody.open("/admin/accounts/new")
    check(somebody.page, "admin-invite")
    somebody.click("Make the invitation link")
    somebody.sees_errors()
    check(somebody.page, "admin-invite-errors")
    somebody.open(f"/admin/accounts/{clinic.user_id(gp)}")
    check(somebody.page, "admin-account")
    disabled = clinic.user_id(clinic.user(Role.GP, "Disabled GP", active=False))
    somebody.open(f"/admin/accounts/{disabled}")
    check(somebody.page, "admin-account-disabled")
    somebody.open("/admin/accounts")
    check(somebody.page, "admin-accounts")
    somebody.open("/admin/centres/new")
    check(somebody.page, "admin-centre-new")
    somebody.click("Save")
    somebody.sees_errors()
    check(somebody.page, "admin-centre-errors")
    somebody.open("/admin/centres")
    check(somebody.page, "admin-centres")
    somebody.click("Browser Centre", "link")
    somebody.sees_title("Browser Centre")
    check(somebody.page, "admin-centre")


# --- everybody's pages


def test_sign_in(arrive: Arrive) -> None:
    somebody = arrive(Person).open("/login")
    check(somebody.page, "sign-in")
    somebody.page.get_by_label("E-mail").fill("nobody@test.example")
    somebody.page.get_by_label("Password").fill("not the password")
    somebody.click("Sign in")
    expect(somebody.page.get_by_role("alert")).to_be_visible()
    check(somebody.page, "sign-in-refused")


@pytest.mark.parametrize("role", Role)
def test_help_and_profile(enter: Arrive, gp: str, dermatologist: str, admin: str, role: Role) -> None:
    email = {Role.GP: gp, Role.DERMATOLOGIST: dermatologist, Role.ADMIN: admin}[role]
    somebody = enter(role, email).open("/help")
    check(somebody.page, f"help-{role.value}")
    somebody.open("/profile")
    check(somebody.page, f"profile-{role.value}", focus=False)


def test_change_password(enter: Arrive, gp: str) -> None:
    somebody = enter(Role.GP, gp).open("/change")
    check(somebody.page, "password-change")
    somebody.page.get_by_label("Present password").fill("not my password")
    somebody.page.get_by_label("New password").fill("short")
    somebody.page.get_by_label("The same once more").fill("other")
    somebody.click("Change the password")
    expect(somebody.page.locator(".field-error").first).to_be_visible()
    check(somebody.page, "password-change-errors")


def test_error_pages(enter: Arrive, gp: str) -> None:
    doctor = enter(Role.GP, gp).open("/no-such-page")
    doctor.sees_title("Nothing here")
    check(doctor.page, "error-404")
    doctor.open("/review/").sees_title("Not part of your role")
    check(doctor.page, "error-403")


def test_invitation(arrive: Arrive, clinic: Clinic) -> None:
    email = clinic.user(Role.DERMATOLOGIST, "Invited Dermatologist")
    eight_days_ago = int(time.time() - timedelta(days=8).total_seconds())
    with clinic.app.app_context(), transaction() as session:
        user = session.query(User).filter_by(email=email).one()
        fresh = accounts.invitation_path(user)
        with patch.object(TimestampSigner, "get_timestamp", return_value=eight_days_ago):
            expired = accounts.invitation_path(user)
    somebody = arrive(Person).open(fresh)
    somebody.sees_title("Choose your password")
    check(somebody.page, "invitation")
    somebody.page.get_by_label("New password").fill("too short")
    somebody.page.get_by_label("The same once more").fill("different")
    somebody.click("Save the password")
    expect(somebody.page.locator(".field-error").first).to_be_visible()
    check(somebody.page, "invitation-errors")
    somebody.open(expired).sees_title("You need a new link")
    check(somebody.page, "invitation-expired")


# --- more than anybody expects


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
    doctor.open("/profile")
    check(doctor.page, "long-profile", focus=False)
    somebody = enter(Role.ADMIN, admin).open("/admin/accounts")
    check(somebody.page, "long-accounts", focus=False)
    somebody.open(f"/admin/accounts/{clinic.user_id(doctor_email)}")
    check(somebody.page, "long-account", focus=False)
    somebody.open("/admin/centres")
    check(somebody.page, "long-centres", focus=False)
