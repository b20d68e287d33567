"""Every page, by endpoint: a page added later and not listed here fails the first test."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import url_for

from tests.browser.checks import check
from tests.browser.clinic import Clinic, full_outcome
from tests.browser.conftest import Arrive
from tests.browser.people import Person
from tests.conftest import make_app, make_settings
from webapp.models import Role

pytestmark = pytest.mark.browser

GP, READER, ADMIN = Role.GP, Role.DERMATOLOGIST, Role.ADMIN
NUMBER, DECIDED, USER, CENTRE = "number", "decided", "user_id", "centre_id"

PAGES: dict[str, tuple[Role | None, str | None]] = {
    "security.login": (None, None),
    "security.forgot_password": (None, None),
    "security.reset_password": (None, "token"),
    "security.change_password": (GP, None),
    "security.verify": (READER, None),
    "accounts.home": (READER, None),
    "accounts.profile": (READER, None),
    "help.page": (GP, None),
    "cases.index": (GP, None),
    "cases.new": (GP, None),
    "cases.show": (GP, NUMBER),
    "corrections.page": (GP, NUMBER),
    "histology.enter": (GP, DECIDED),
    "review.worklist": (READER, None),
    "review.decided": (READER, None),
    "review.show": (READER, NUMBER),
    "opinions.index": (READER, None),
    "changes.amend": (READER, DECIDED),
    "admin.accounts": (ADMIN, None),
    "admin.invite": (ADMIN, None),
    "admin.account": (ADMIN, USER),
    "admin.centres": (ADMIN, None),
    "admin.add_centre": (ADMIN, None),
    "admin.centre": (ADMIN, CENTRE),
    "options.management": (ADMIN, None),
    "options.letterhead": (ADMIN, None),
    "admin.audit_log": (ADMIN, None),
    "operation.service": (ADMIN, None),
    "operation.models": (ADMIN, None),
    "operation.thresholds": (ADMIN, None),
    "reports.dashboard": (ADMIN, None),
    "reports.export_page": (ADMIN, None),
}
"""Who opens it, and the parameters of its address."""
AT_SIGN_IN = {
    "security.two_factor_setup",
    "security.two_factor_token_validation",
    "security.mf_recovery",
    "security.mf_recovery_codes",
}
"""Pages that come only in sequence: checked in the story of the second factor (`test_sign_in.py`)."""
NO_PAGES = {
    "static",
    "security.static",
    "security.two_factor_rescue",
    "security.tf_select",
    "accounts.time_left",
    "health.live",
    "health.ready",
    "metrics.show",
    "cases.updates",
    "cases.status",
    "review.news",
    "review.preview",
    "operation.rerun_status",
    "media.image",
    "media.preview",
    "media.thumbnail",
    "media.heatmap",
    "media.letter",
    "reports.export_csv",
}
"""Files, parts of pages, and what nobody may call."""


def test_every_page_is_named_here(tmp_path_factory: pytest.TempPathFactory) -> None:
    app = make_app(make_settings(tmp_path_factory.mktemp("map")))
    readable = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert readable == PAGES.keys() | AT_SIGN_IN | NO_PAGES
    assert len(readable) == len(PAGES) + len(AT_SIGN_IN) + len(NO_PAGES)


@pytest.fixture(scope="session")
def named(clinic: Clinic, gp: str, dermatologist: str) -> dict[str, Any]:
    """Values for the parameters of the addresses."""
    number, decided = clinic.settled_case(gp, full_outcome()), clinic.settled_case(gp, full_outcome())
    clinic.decide(decided, dermatologist)
    invited = clinic.user(Role.DERMATOLOGIST, "Invited Dermatologist")
    return {
        NUMBER: {"number": number},
        DECIDED: {"number": decided},
        USER: {"user_id": clinic.user_id(gp)},
        CENTRE: {"centre_id": clinic.centre("Browser Centre")},
        "token": {"token": clinic.invitation(invited).rsplit("/", 1)[1]},
    }


@pytest.fixture
def come(arrive: Arrive, enter: Arrive, gp: str, dermatologist: str, admin: str) -> Callable[[Role | None], Person]:
    emails = {GP: gp, READER: dermatologist, ADMIN: admin}
    return lambda role: enter(role, emails[role]) if role else arrive(Person)


@pytest.mark.parametrize("endpoint", PAGES)
def test_page(come: Callable[[Role | None], Person], clinic: Clinic, named: dict[str, Any], endpoint: str) -> None:
    role, names = PAGES[endpoint]
    with clinic.app.test_request_context():
        path = url_for(endpoint, **(named[names] if names else {}))
    somebody = come(role)
    answer = somebody.page.goto(path)
    assert answer is not None
    assert answer.status == 200
    check(somebody.page, f"page-{endpoint}")
