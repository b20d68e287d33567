"""What a dermatologist does in tests: claim, decide, release."""

import re

from werkzeug.test import TestResponse

from tests.web_client import CheckedClient
from webapp.core.database import reading
from webapp.models import Case
from webapp.triage.risk import Shown


def take(client: CheckedClient, number: str) -> TestResponse:
    return client.submit(f"/review/{number}/claim", page="/profile")


def put_back(client: CheckedClient, number: str) -> TestResponse:
    return client.submit(f"/review/{number}/release", page="/profile")


def all_of(client: CheckedClient, number: str) -> str:
    """What the page would show now, as its form says it; without opening the page, which is audited."""
    with client.application.app_context(), reading() as session:
        case = session.query(Case).filter_by(number=number).one_or_none()
        return str(Shown.of(case)) if case else ""


def decide(client: CheckedClient, number: str, **changes: object) -> TestResponse:
    """Decide, having seen everything: benign, routine clinic, unless ``changes`` say otherwise."""
    form: dict[str, object] = {
        "diagnosis": "benign",
        "management": "routine_clinic",
        "advice": "",
        "override_reason": "",
    }
    form |= {"shown": all_of(client, number)} | changes
    return client.submit(f"/review/{number}/decide", form, page="/profile")


def take_over(client: CheckedClient, number: str, reason: str = "The patient is here now.") -> TestResponse:
    """Take the case over from the page that says who has it."""
    seen = re.search(r'name="seen" value="(\d+)"', client.get(f"/review/{number}").text)
    form = {"reason": reason, "seen": seen.group(1) if seen else ""}
    return client.submit(f"/review/{number}/take-over", form, page="/profile")
