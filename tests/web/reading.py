"""What a dermatologist does in tests: claim, decide, release."""

import re

from werkzeug.test import TestResponse

from tests.web_client import CheckedClient


def take(client: CheckedClient, number: str) -> TestResponse:
    return client.submit(f"/review/{number}/claim", page="/profile")


def put_back(client: CheckedClient, number: str) -> TestResponse:
    return client.submit(f"/review/{number}/release", page="/profile")


def decide(client: CheckedClient, number: str, **changes: object) -> TestResponse:
    """Decide: benign, no appointment, unless ``changes`` say otherwise."""
    form = {"diagnosis": "benign", "management": "routine_clinic", "advice": "", "override_reason": "", **changes}
    return client.submit(f"/review/{number}/decide", form, page="/profile")


def take_over(client: CheckedClient, number: str, reason: str = "The patient is here now.") -> TestResponse:
    """Take the case over from the page that says who has it."""
    seen = re.search(r'name="seen" value="(\d+)"', client.get(f"/review/{number}").text)
    form = {"reason": reason, "seen": seen.group(1) if seen else ""}
    return client.submit(f"/review/{number}/take-over", form, page="/profile")
