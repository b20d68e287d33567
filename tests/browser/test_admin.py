"""The administrator's working day: is everything at work, how well does the model do, what may be chosen."""

import pytest
from playwright.sync_api import expect

from tests.browser.checks import check
from tests.browser.clinic import Clinic
from tests.browser.conftest import Arrive
from tests.browser.people import Admin
from webapp.models import Role

pytestmark = pytest.mark.browser


def test_the_service_page_of_a_running_program(enter: Arrive, clinic: Clinic, admin: str) -> None:
    # Given the running program with its worker
    somebody: Admin = enter(Role.ADMIN, admin).open("/admin/accounts")
    # When the administrator looks whether everything is at work
    somebody.click("Service", "link")
    # Then worker, queue and model say so, and which model it is
    for title in ("Worker", "Model", "Queue"):
        item = somebody.page.locator(".check").filter(has=somebody.page.get_by_role("heading", name=f"{title} "))
        expect(item).to_contain_text("In order")
    expect(somebody.page.locator(".check code")).to_have_text(expected_hash())
    check(somebody.page, "admin-service")


def expected_hash() -> str:
    from ml.bundle import read_card

    return read_card().sha256
