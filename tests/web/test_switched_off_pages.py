"""While the model is switched off no page, list, letter, export or heatmap tells anything of it."""

import re
from collections.abc import Sequence

import pytest
from flask import Flask

from tests.conftest import World
from tests.web.doors import Door
from tests.web.helpers import heatmap_ids
from tests.web.test_blindness import SECRET_RESULT, Blind, difference, walk
from tests.web.test_switch import turn
from tests.web_client import CheckedClient, without_token
from webapp.cases import letter
from webapp.models import Role

OF_THE_MODEL = (
    *SECRET_RESULT,
    "Melanoma",
    "no cancer suspected",
    "% suspected",
    "not suspected</",
    "Model result",
    "Clinical rule",
    "map-button",
    "data-without-map",
    "0.012",
    "1 %",
    "2 %",
    "Suspects BCC",
    "Model uncertain",
    "Trusted result",
    "seen by the model",
    "The model was wrong",
)
"""Words and figures that a page has only from a result."""
FLEETING = re.compile(
    r"""[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}  # a form's own token
    | <time[^>]*> | \d+(\.\d+)?\ (s|min|h)\b | \d\d:\d\d(:\d\d)? | T\d\d%3A\d\d%3A\d\d[^"&]*""",
    re.VERBOSE,
)


@pytest.fixture
def clinic(app: Flask, world: World, sign_in) -> Blind:
    emails = {
        "asked": world.user(Role.DERMATOLOGIST, name="Test asked"),
        "asked and blinded": world.user(Role.DERMATOLOGIST, name="Test both"),
        "GP of A": world.user(Role.GP, centre="Test Centre A"),
    }
    return Blind(app, world, sign_in, emails)


@pytest.mark.control("H1.5")
def test_no_page_tells_anything_of_the_model(
    app: Flask, world: World, clinic: Blind, sign_in, admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page, list, letter, export and heatmap, and not a byte of them changes with the results."""
    monkeypatch.setattr(letter, "_drawn", lambda page, _style: page.encode())  # to be read
    people = [sign_in(world.user(Role.DERMATOLOGIST)), sign_in(clinic.emails["GP of A"]), admin]
    numbers = [clinic.reopened, clinic.fresh, clinic.decided, *clinic.follow_ups]
    doors = [
        door
        for door in clinic.everywhere(numbers)
        if door.endpoint not in {"help.page", "operation.models", "operation.rerun_status", "operation.thresholds"}
        and door.endpoint not in {"reports.export_page", "admin.audit_log", "static"}  # which describe, not tell
        and door.endpoint not in {"operation.service", "metrics.show"}  # whose figures are of the machine
    ]
    lists = ["/admin/export.csv", "/admin/dashboard?days=365"]
    shown = [_all(client, doors, lists) for client in people]
    assert any("0.831" in page or "83 %" in page for page in shown[0].values()), "the sweep would see it"
    assert any("0.831" in page for page in shown[2].values()), "and in the export"
    turn(admin, off=True)
    before = [_all(client, doors, lists) for client in people]
    pages = [(address, page) for everything in before for address, page in everything.items()]
    telling = [(address, page) for address, page in pages if not address.startswith("/admin/dashboard")]
    told = [(address, word) for address, page in telling for word in OF_THE_MODEL if word in page]
    assert told == [], "\n".join(map(str, told))
    assert {status for path, status in _heatmaps(app, people[0], numbers)} == {404}
    clinic.turn_results()
    after = [_all(client, doors, lists) for client in people]
    both = [(was[address], now[address]) for was, now in zip(before, after, strict=True) for address in was]
    differ = [difference(was.encode(), now.encode()) for was, now in both if was != now]
    assert differ == [], differ[:3]


def _all(client: CheckedClient, doors: Sequence[Door], lists: Sequence[str]) -> dict[str, str]:
    pages = {path: body.decode("latin-1") for path, (_, body) in walk(client, doors).items()}
    for address in lists:
        answer = client.get(address)
        pages |= {address: without_token(answer.text)} if answer.status_code == 200 else {}
    return {address: _steady(page) for address, page in pages.items()}


def _steady(page: str) -> str:
    """Without what a clock or a new form changes."""
    return FLEETING.sub("", page)


def _heatmaps(app: Flask, client: CheckedClient, numbers: Sequence[str]) -> list[tuple[str, int]]:
    paths = [f"/media/heatmaps/{finding}" for number in numbers for finding in heatmap_ids(app, number)]
    assert paths
    return [(path, client.get(path).status_code) for path in paths]
