"""Every transition that cases and analyses really make: together they are the tables of `webapp.models.states`."""

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum

import pytest
from flask import Flask
from sqlalchemy import update

from tests.conftest import World, make_settings, outcome
from tests.images import jpeg
from tests.unit.work import analysis_ids, change, stored
from tests.web.helpers import WITHDRAWAL, stored_case
from tests.web.reading import decide, put_back, take, take_over
from tests.web.test_changes import amend, undo
from tests.web.test_corrections import void
from tests.web.test_retake import send_images
from webapp.analysis import leases, reruns, results
from webapp.core.config import Settings
from webapp.core.database import transaction
from webapp.core.extensions import db
from webapp.models import Analysis, AnalysisState, Case, CaseState, Claim, FailureReason, Role, utcnow
from webapp.models.states import ANALYSIS_JOURNEYS, CASE_JOURNEYS
from webapp.review import claims

Way = tuple[StrEnum, StrEnum]
RETAKE = {"diagnosis": "uncertain", "management": "retake", "advice": "Sharper, please."}
BIOPSY = {"diagnosis": "bcc", "management": "biopsy"}


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> set[Way]:
    """Transitions that cases have made since."""
    seen: set[Way] = set()
    move_to = Case.move_to

    def noted(case: Case, state: CaseState) -> None:
        before = case.state
        move_to(case, state)
        seen.add((before, state))

    monkeypatch.setattr(Case, "move_to", noted)
    return seen


class Journeys:
    """One centre, one reader and a colleague; each method takes its own case through some states."""

    def __init__(self, app: Flask, world: World, sign_in) -> None:
        self.app, self.world, self.email = app, world, world.user(Role.GP)
        self.gp = sign_in(self.email)
        self.reader, self.colleague = (sign_in(world.user(Role.DERMATOLOGIST)) for _ in range(2))

    def case(self, *, analysed: bool = True) -> str:
        number = self.world.case(self.email)
        if analysed:
            self.world.analyse(number, 0.02)
        return number

    def decided(self, analysed: bool = True, /, **form: str) -> str:
        number = self.case(analysed=analysed)
        take(self.reader, number)
        assert decide(self.reader, number, **form).status_code == 302
        return number

    def closed(self, **form: str) -> str:
        number = self.decided(**form)
        self.by_gp(number, "close")
        return number

    def by_gp(self, number: str, action: str) -> None:
        assert self.gp.submit(f"/cases/{number}/{action}", WITHDRAWAL, page=f"/cases/{number}").status_code == 302

    def let_the_claim_expire(self) -> None:
        with self.app.app_context(), transaction() as session:
            over = utcnow() - timedelta(seconds=1)
            session.execute(update(Claim).where(Claim.released_at.is_(None)).values(expires_at=over))

    def claims(self) -> None:
        """Released, expired and swept, expired and claimed by a colleague, taken over; analysed or not."""
        for analysed in (True, False):
            number = self.case(analysed=analysed)
            take(self.reader, number)
            put_back(self.reader, number)
            take(self.reader, number)
            self.let_the_claim_expire()
            with self.app.app_context(), transaction():
                claims.release_expired()
            take(self.reader, number)
            self.let_the_claim_expire()
            take(self.colleague, number)
            take_over(self.reader, number)
            with stored_case(self.app, number) as case:
                assert case.state is CaseState.IN_REVIEW

    def withdrawals(self) -> None:
        for number in (self.case(), self.case(analysed=False), self.decided(**RETAKE)):
            self.by_gp(number, "withdraw")
        number = self.case()
        take(self.reader, number)
        self.by_gp(number, "withdraw")

    def changes(self) -> None:
        """Decisions and requests taken back, amended into each other, and the amendments taken back."""
        for first in ({}, RETAKE):
            undo(self.reader, self.decided(**first))
            for second in (BIOPSY, RETAKE):
                number = self.decided(**first)
                assert amend(self.reader, number, **second).status_code == 302
                undo(self.reader, number)
                assert amend(self.reader, self.decided(**first), **second).status_code == 302
        for second in (BIOPSY, RETAKE):
            assert amend(self.reader, self.closed(), **second).status_code == 302

    def doubts(self) -> None:
        """A result that comes after a decision, after closing, or after a request for images."""
        waiting = [self.decided(False), self.decided(False, **RETAKE), self.decided(False)]
        self.by_gp(waiting[2], "close")
        for number in waiting:
            self.world.analyse(number, 0.95)
            with stored_case(self.app, number) as case:
                assert case.state is CaseState.AWAITING_REVIEW
        take(self.reader, waiting[0])
        assert decide(self.reader, waiting[0], override_reason="Seen.").status_code == 302
        undo(self.reader, waiting[0])

    def new_images(self) -> None:
        """Also to a case that a late result has re-opened since they were requested."""
        reopened = self.decided(False, **RETAKE)
        self.world.analyse(reopened, 0.95)
        for number in (self.decided(**RETAKE), reopened):
            assert send_images(self.gp, number, jpeg(seed=5)).status_code == 302

    def errors(self) -> None:
        """Entered in error, noticed at any time."""
        waiting, unanalysed, under_review = self.case(), self.case(analysed=False), self.case()
        take(self.colleague, under_review)
        decided = (self.decided(), self.closed(), self.decided(**RETAKE))
        for number in (waiting, unanalysed, under_review, *decided):
            assert void(self.reader, number).status_code == 302


def test_cases_go_every_way_of_the_table_and_no_other(app: Flask, world: World, sign_in, ways: set[Way]) -> None:
    journeys = Journeys(app, world, sign_in)
    journeys.claims()
    journeys.withdrawals()
    journeys.changes()
    journeys.doubts()
    journeys.new_images()
    journeys.errors()
    assert ways == set(CASE_JOURNEYS)


class Analyses:
    """Takes analyses from state to state with the worker's own functions, and records the transitions."""

    def __init__(self, app: Flask, world: World) -> None:
        self.app, self.world, self.seen = app, world, set[Way]()
        self.email = world.user(Role.GP)

    def fresh(self, attempts: int = 0) -> int:
        (analysis_id,) = analysis_ids(self.app, self.world.case(self.email))
        change(self.app, analysis_id, attempts=attempts)
        return analysis_id

    def step(self, analysis_id: int, call: Callable[[], object]) -> None:
        before = self.state(analysis_id)
        with self.app.app_context(), transaction():
            call()
        self.seen.add((before, self.state(analysis_id)))

    def state(self, analysis_id: int) -> AnalysisState:
        with stored(self.app, analysis_id) as analysis:
            return analysis.state

    def running(self, attempts: int = 0) -> int:
        analysis_id = self.fresh(attempts)
        self.step(analysis_id, lambda: leases.take(analysis_id, "worker"))
        return analysis_id

    def fails(self, analysis_id: int, why: FailureReason = FailureReason.ERROR) -> None:
        self.step(analysis_id, lambda: results.give_up(analysis_id, "worker", why))

    def done(self) -> int:
        analysis_id, store = self.running(), self.app.extensions["image_store"]
        self.step(analysis_id, lambda: results.finish(analysis_id, "worker", results.stored(outcome(0.02), store)))
        return analysis_id

    def rerun(self, analysis_id: int) -> None:
        """A re-run of its image ends and, since the case is open, replaces it."""
        self.step(analysis_id, lambda: _put_in_force_instead_of(analysis_id))


def _put_in_force_instead_of(analysis_id: int) -> None:
    image = db.session.get_one(Analysis, analysis_id).image
    again = Analysis(image=image, state=AnalysisState.DONE, shadow=True)
    db.session.add(again)
    db.session.flush()
    reruns.put_in_force(image.case, again)


@pytest.fixture
def settings(instance) -> Settings:
    return make_settings(instance, analysis_attempts=2)


def test_analyses_go_every_way_of_the_table_and_no_other(app: Flask, world: World) -> None:
    them = Analyses(app, world)
    them.fails(them.running())  # the first of two attempts
    them.fails(them.running(attempts=1))
    stranded = them.running()
    them.fails(stranded, FailureReason.MODEL_UNAVAILABLE)
    change(app, stranded, finished_at=utcnow() - timedelta(minutes=5))
    them.step(stranded, leases.sweep)
    slow = them.running()
    change(app, slow, lease_until=utcnow() - timedelta(seconds=1))
    them.step(slow, lambda: leases.take(slow, "another"))
    used_up = them.fresh(attempts=2)
    change(app, used_up, queued_at=utcnow() - timedelta(hours=1))
    them.step(used_up, leases.sweep)
    for earlier in (them.fresh(), them.running(), them.done(), used_up):
        them.rerun(earlier)
    assert them.seen == set(ANALYSIS_JOURNEYS)
