"""Nothing reaches whoever must judge without it: every address, as each of them, before and after it all changes.

What somebody may not know cannot change a single byte of what they get. So every page is fetched twice: as it is, and
after the model's results and the decisions have been replaced by their opposites.
"""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from ml.patterns import Call
from tests.cards import THRESHOLDS
from tests.conftest import World
from tests.web.doors import Clinic, Door, knock
from tests.web.helpers import change_case, heatmap_ids, image_ids, user_id
from tests.web.reading import decide, take
from tests.web.test_blinded import switch
from tests.web.test_opinions import ask, give
from tests.web_client import CheckedClient, without_token
from webapp.core.database import transaction
from webapp.models import Case, Diagnosis, HistologyResult, Management, ReopenReason, Role, utcnow
from webapp.review import queries, worklist, worklist_queries
from webapp.triage import rank

SECRET_DECISION = ("Secret advice", "Secret reason", "Secret remark", "Secret histology", "Secret mark")
SECRET_RESULT = ("83 %", "0.831", "77 %", "0.772", "the model suspects", "/media/heatmaps/")
ENDS_IT = {"review.reading_mode", "security.logout"}
"""Ends blindness or the session."""
JUDGES = {"review.impression", "opinions.give"}
"""Ends blindness if sent filled in."""
TICKS = {"accounts.time_left"}
FILTERS = ("person=1", "contradiction=1", "other_cancer=1", "overdue=1", "mine=1", "pattern=AT", "urgency=routine")
SEARCHES = ("q=TEST", "q=DT", "q=centre", "q=TEST-2&order=due")
SINCE = "2026-01-01T00:00:00%2B00:00"
LISTS = [
    "/review/",
    *(
        f"/review/?{choice}"
        for choice in (*FILTERS, "order=waiting", "order=due", "order=concern", "after=3.1~1~1", *SEARCHES)
    ),
    *(f"/review/news?since={SINCE}{choice}" for choice in ("", "&person=1", "&order=concern")),
]
CHOSEN = {"diagnosis": "benign", "management": "routine_clinic", "advice": "", "reason": "Now.", "remark": ""}


class Blind(Clinic):
    """Cases of which much is known: two decided, of which one is re-opened; two of the same lesions; one more."""

    def __init__(self, app: Flask, world: World, sign_in, emails: dict[str, str]) -> None:
        self.app, self.emails = app, emails
        self.spare = world.user(Role.GP, centre="Test Centre C")
        first, third = (sign_in(world.user(Role.DERMATOLOGIST, name=name)) for name in ("Test First", "Test Third"))
        gp = emails["GP of A"]
        self.fresh, self.decided, self.reopened = (self._analysed(world, gp, age) for age in (9, 8, 7))
        for number in (self.decided, self.reopened):
            take(first, number)
            mark = {"image": image_ids(app, number)[0], "x": 0.123, "y": 0.456, "text": SECRET_DECISION[4]}
            words = {"advice": SECRET_DECISION[0], "override_reason": SECRET_DECISION[1], "marks": json.dumps([mark])}
            assert decide(first, number, diagnosis="premalignant", **words).status_code == 302
            for whom in ("asked", "asked and blinded"):
                ask(first, number, user_id(app, emails[whom]))
            histology = {"result": "benign", "remark": SECRET_DECISION[3]}
            assert first.submit(f"/histology/{number}", histology).status_code == 302
        ask(first, self.reopened, _me(app, third))
        give(third, self.reopened, diagnosis="bcc", remark=SECRET_DECISION[2])
        self.follow_ups = [self._analysed(world, gp, 6, follows=earlier) for earlier in (self.decided, self.reopened)]
        self.other = self._analysed(world, gp, 5, patient_reference="TEST-2")
        change_case(app, self.reopened, waiting_since=utcnow() - timedelta(days=7))
        self._set_results(highest=self.fresh)

    def _analysed(self, world: World, gp: str, days: int, follows: str = "", **facts: Any) -> str:
        number = world.case(gp, **facts)
        world.analyse(number, 0.8, melanoma=0.7)
        ago = utcnow() - timedelta(days=days)
        change_case(self.app, number, submitted_at=ago, waiting_since=ago)
        if follows:
            with self.app.app_context(), transaction() as session:
                earlier = session.query(Case).filter_by(number=follows).one()
                session.query(Case).filter_by(number=number).one().follows_id = earlier.id
        return number

    def everywhere(self, numbers: Sequence[str]) -> Iterator[Door]:
        """Every door, those of a case for each of the cases and each of its heatmaps."""
        for number in numbers:
            self.number = number
            doors = [door for door in self.doors() if door.leads_to_a_case or number == numbers[0]]
            yield from (door for door in doors if door.method == "GET" or number in numbers[:2])
            for finding in heatmap_ids(self.app, number):
                yield Door("media.heatmap", "GET", f"/media/heatmaps/{finding}", frozenset({"finding_id"}))

    def turn_results(self) -> None:
        """The cases that looked worst look best, and the other way round. What is decided stays as it was."""
        self._set_results(highest=self.other)

    def _set_results(self, highest: str) -> None:
        with self.app.app_context(), transaction() as session:
            for case in session.query(Case).filter(Case.is_open):
                bcc, mel = (0.831, 0.772) if case.number == highest else (0.012, 0.021)
                for analysis in (image.current_analysis for image in case.images):
                    assert analysis is not None
                    analysis.bcc_probability, analysis.needs_person = bcc, case.number != highest
                    analysis.lesion = {"bcc": bcc, "mel": mel}
                    for finding in analysis.findings:
                        finding.probability = {"BCC": bcc, "MEL": mel}.get(finding.target, 0.0)
                        finding.present = finding.probability >= THRESHOLDS.get(finding.target, 0.5)
                        finding.call = Call.LIKELY if finding.present else Call.NOT_SEEN
                if case.reopened:
                    late = ReopenReason.LATE_RESULT if case.number == highest else ReopenReason.SECOND_OPINION
                    case.reopened = late
                session.flush()
                rank.refresh(case)

    def turn_decisions(self, numbers: Sequence[str]) -> None:
        """Whatever was decided, advised or found is now something else."""
        with self.app.app_context(), transaction() as session:
            for number in numbers:
                case = session.query(Case).filter_by(number=number).one()
                for review in case.reviews:
                    review.diagnosis, review.management = Diagnosis.BCC, Management.BIOPSY
                    review.advice, review.override_reason = "Other advice", ""
                    for mark in review.marks:
                        mark.text, mark.x = "Other mark", 0.789
                for request in case.opinion_requests:
                    if request.opinion:
                        request.opinion.diagnosis, request.opinion.remark = Diagnosis.BENIGN, "Other"
                for histology in case.histologies:
                    histology.result, histology.remark = HistologyResult.BCC, "Other"
                if case.reopened:
                    case.reopened = ReopenReason.HISTOLOGY
                session.flush()
                rank.refresh(case)


def _me(app: Flask, client: CheckedClient) -> int:
    found = re.search(r"[0-9a-f]{10}@test\.example", client.get("/profile").text)
    assert found
    return user_id(app, found.group())


@pytest.fixture
def emails(world: World) -> dict[str, str]:
    names = ("blinded", "asked", "asked and blinded")
    return {name: world.user(Role.DERMATOLOGIST, name=f"Test {name}") for name in names} | {
        "GP of A": world.user(Role.GP, centre="Test Centre A")
    }


@pytest.fixture
def clinic(app: Flask, world: World, sign_in, emails: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Blind:
    for module in (queries, worklist, worklist_queries):
        monkeypatch.setattr(module, "PAGE_SIZE", 2)  # each list has pages, whose addresses must tell nothing either
    return Blind(app, world, sign_in, emails)


def walk(client: CheckedClient, doors: Sequence[Door]) -> dict[str, tuple[int, bytes]]:
    """Address → status and body, for every GET, and for each page of every list of the worklist."""
    client.get("/profile")  # shows what was still to be said
    pages = [door for door in doors if door.method == "GET" and door.endpoint not in ENDS_IT | TICKS]
    got = {door.path: _plain(knock(client, door)) for door in pages}
    waiting = list(LISTS)
    while waiting:
        address = waiting.pop()
        got[address] = _plain(FlaskClient.open(client, address))
        links = re.findall(r'href="(/review/\?[^"]*after=[^"]*)"', got[address][1].decode())
        waiting += [link for text in links if (link := text.replace("&amp;", "&")) not in got]
    return got


def _plain(response) -> tuple[int, bytes]:
    html = response.mimetype == "text/html"
    return response.status_code, without_token(response.text).encode() if html else response.data


def difference(before: bytes, after: bytes) -> list[str]:
    """The lines that differ, for the message of a failing test."""
    lines = difflib.unified_diff(before.decode("latin-1").splitlines(), after.decode("latin-1").splitlines(), n=0)
    return list(lines)[:12]


def told(client: CheckedClient, doors: Sequence[Door], secrets: Sequence[str]) -> list[tuple[str, str]]:
    """(address, secret) for every secret in the answer to any POST, filled in or not, or on the page it leads to."""
    found = []
    for door in doors:
        if door.method != "POST" or door.endpoint in ENDS_IT:
            continue
        for form in ({},) if door.endpoint in JUDGES else ({}, CHOSEN):
            response = FlaskClient.open(client, door.path, method="POST", data=form, follow_redirects=True)
            found += [(door.path, secret) for secret in secrets if secret in response.text]
    return found


@pytest.mark.control("H2.4")
@pytest.mark.parametrize("person", ["blinded", "asked", "asked and blinded", "GP of A"])
def test_nothing_leads_to_what_must_not_be_known(app: Flask, clinic: Blind, emails, sign_in, person: str) -> None:
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    client = sign_in(emails[person])
    blinded, asked = "blinded" in person, "asked" in person
    if blinded:
        switch(client, on=True)
    judged = [clinic.reopened, clinic.decided] if asked else [clinic.reopened, clinic.fresh]
    doors = list(clinic.everywhere([*judged, *clinic.follow_ups]))
    secrets = [*(SECRET_RESULT if blinded else ()), *(SECRET_DECISION if asked else ())]
    if person == "GP of A":
        heatmaps = [door for door in doors if door.endpoint == "media.heatmap"]
        assert len(heatmaps) > 4
        assert {knock(client, door).status_code for door in heatmaps} == {404}
        return
    before = walk(client, doors)
    assert len(before) > 60
    assert [(path, s) for path, (_, body) in before.items() for s in secrets if s.encode() in body] == []
    if blinded:
        clinic.turn_results()
    clinic.turn_decisions([clinic.reopened, clinic.decided] if asked else [clinic.reopened])
    after = walk(client, doors)
    assert before.keys() == after.keys()
    changed = [path for path in before if before[path] != after[path]]
    assert {path: difference(before[path][1], after[path][1]) for path in changed} == {}
    assert told(client, doors, secrets) == []


def test_the_sweep_would_see_it(app: Flask, world: World, clinic: Blind, sign_in) -> None:
    """For a dermatologist who is neither blinded nor asked, the same addresses tell everything."""
    client = sign_in(world.user(Role.DERMATOLOGIST))
    doors = list(clinic.everywhere([clinic.reopened, clinic.fresh, clinic.decided, *clinic.follow_ups]))
    before = walk(client, doors)
    clinic.turn_results()
    clinic.turn_decisions([clinic.reopened, clinic.decided])
    after = walk(client, doors)
    changed = {path for path in before if before[path] != after.get(path)}
    pages = {f"/review/{number}" for number in (clinic.reopened, clinic.fresh, clinic.decided, *clinic.follow_ups)}
    assert changed >= {"/review/", "/review/?person=1", f"/histology/{clinic.decided}", *pages}
    assert [path for path, (status, _) in before.items() if path.startswith("/media/heatmaps/") and status == 200]
    assert before[f"/media/letters/{clinic.decided}.pdf"][0] == 200
    assert before.keys() != after.keys()  # the cursors carry the rank
