"""What a dermatologist does in tests: reserve, decide, put back."""

from werkzeug.test import TestResponse

from tests.web_client import CheckedClient


def take(client: CheckedClient, number: str) -> TestResponse:
    return client.submit(f"/review/{number}/claim", page="/profile")


def put_back(client: CheckedClient, number: str) -> TestResponse:
    return client.submit(f"/review/{number}/release", page="/profile")


def decide(client: CheckedClient, number: str, **changes: object) -> TestResponse:
    """Benign, no appointment, unless ``changes`` say otherwise."""
    form = {"diagnosis": "benign", "management": "routine_clinic", "advice": "", "override_reason": "", **changes}
    return client.submit(f"/review/{number}/decide", form, page="/profile")
