"""The everyday pages, requested as a browser would, and how to find something to request."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from urllib.parse import quote

from flask import Flask
from sqlalchemy import ColumnExpressionArgument, select
from werkzeug.test import TestResponse

from tests.load.people import emails, sign_in, token
from webapp.cases.queries import ListFilter
from webapp.core.database import reading, transaction
from webapp.core.extensions import db
from webapp.models import Case, CaseState, Claim, Review, Role, utcnow
from webapp.review.filters import Order
from webapp.review.worklist_queries import PAGE_SIZE, Cursor

CENTRE_WITH_MOST = -1


class Stage:
    """One application with signed-in people, and positions in its lists."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.clients = {role: sign_in(app, emails(role)[CENTRE_WITH_MOST]) for role in Role}
        self.token = token(self.clients[Role.DERMATOLOGIST], "/profile")

    def get(self, role: Role, path: str) -> TestResponse:
        return self.clients[role].get(path)

    def _number(self, *conditions: ColumnExpressionArgument[bool], of_centre: bool = False) -> str:
        """Number of the newest case that meets the conditions."""
        with self.app.app_context(), reading() as session:
            statement = select(Case.number).where(*conditions).order_by(Case.id.desc())
            if of_centre:
                statement = statement.where(Case.centre.has(name="Health centre 60"))
            number = session.scalars(statement.limit(1)).first()
        if number is None:
            raise RuntimeError("no such case at this size")
        return str(number)

    @cached_property
    def open_case(self) -> str:
        return self._number(Case.is_open, of_centre=True)

    @cached_property
    def answered_case(self) -> str:
        return self._number(Case.state.in_([CaseState.REVIEWED, CaseState.CLOSED]), of_centre=True)

    @cached_property
    def reference(self) -> str:
        with self.app.app_context(), reading() as session:
            return str(session.scalars(select(Case.patient_reference).where(Case.number == self.answered_case)).one())

    @cached_property
    def deep(self) -> str:
        """The position in the worklist after which exactly one page is left."""
        with self.app.app_context(), reading() as session:
            line = select(Case).where(Case.is_open)
            line = line.order_by(Case.rank.desc(), Case.waiting_since.desc(), Case.id.desc())
            return str(Cursor.after(session.scalars(line.offset(PAGE_SIZE).limit(1)).one(), Order.TRIAGE))

    @cached_property
    def deep_due(self) -> str:
        """The same by due date, in the middle of the list."""
        with self.app.app_context(), reading() as session:
            line = select(Case).where(Case.is_open).order_by(Case.waiting_since)
            return str(Cursor.after(session.scalars(line.offset(PAGE_SIZE).limit(1)).one(), Order.DUE))

    @cached_property
    def yesterday(self) -> str:
        return quote(f"{utcnow() - timedelta(days=1):%Y-%m-%dT%H:%M:%S+00:00}")

    @cached_property
    def old_case(self) -> int:
        """An id far down the lists."""
        with self.app.app_context(), reading() as session:
            return int(session.scalars(select(Case.id).order_by(Case.id).offset(200).limit(1)).one())

    @cached_property
    def old_review(self) -> int:
        with self.app.app_context(), reading() as session:
            return int(session.scalars(select(Review.id).order_by(Review.id).offset(200).limit(1)).one())

    @cached_property
    def old_day(self) -> str:
        return f"{utcnow() - timedelta(days=500):%Y-%m-%d}"

    def give_back(self) -> None:
        """Releases what ``claim next`` claimed."""
        with self.app.app_context(), transaction() as session:
            for claim in session.scalars(select(Claim).where(Claim.released_at.is_(None))):
                if claim.user.email == emails(Role.DERMATOLOGIST)[CENTRE_WITH_MOST]:
                    claim.released_at = utcnow()
                    claim.case.move_to(CaseState.AWAITING_REVIEW)
        with self.app.app_context():
            db.session.remove()

    def claim_next(self) -> TestResponse:
        return self.clients[Role.DERMATOLOGIST].post("/review/next", data={"csrf_token": self.token})


@dataclass(frozen=True)
class Page:
    """``costs``: how many ordinary requests it equals; it is made that many times less often."""

    name: str
    visit: Callable[[Stage], TestResponse]
    status: int = 200
    costs: int = 1
    afterwards: Callable[[Stage], None] | None = None


def _of(role: Role, name: str, path: str, costs: int = 1) -> Page:
    """``path`` may name attributes of the stage in braces."""
    names = [part.split("}")[0] for part in path.split("{")[1:]]
    return Page(name, lambda stage: stage.get(role, path.format(**{n: getattr(stage, n) for n in names})), costs=costs)


def _reading(name: str, path: str) -> Page:
    return _of(Role.DERMATOLOGIST, name, path)


def _asking(name: str, path: str) -> Page:
    return _of(Role.GP, name, path)


def _watching(name: str, path: str, costs: int = 1) -> Page:
    return _of(Role.ADMIN, name, path, costs)


FILTERS = ("centre=1", "urgency=urgent", "state=in_review", "state=submitted", "pattern=AT", "person=1", "overdue=1")
PAGES = [
    _reading("worklist", "/review/"),
    _reading("worklist, far down", "/review/?after={deep}"),
    _reading("worklist by waiting", "/review/?order=waiting"),
    _reading("worklist by due date", "/review/?order=due"),
    _reading("worklist by due date, far down", "/review/?order=due&after={deep_due}"),
    _reading("worklist, search, number", "/review/?q={open_case}"),
    _reading("worklist, search, reference", "/review/?q={reference}"),
    _reading("worklist, search, centre", "/review/?q=health+centre+60"),
    _reading("worklist, search, what all share", "/review/?q=PC-"),
    _reading("worklist, search, nothing", "/review/?q=XX-no-such"),
    _reading("worklist, news, poll", "/review/news?since={yesterday}"),
    _reading("preview", "/review/{open_case}/preview"),
    *(_reading(f"worklist, {f}", f"/review/?{f}") for f in (*FILTERS, "other_cancer=1", "contradiction=1", "mine=1")),
    _reading("case page, dermatologist", "/review/{open_case}"),
    _reading("my decisions", "/review/decided"),
    _reading("my decisions, far back", "/review/decided?before={old_review}"),
    _reading("second opinions", "/review/opinions"),
    Page("claim next", Stage.claim_next, status=302, afterwards=Stage.give_back),
    _asking("GP's list", "/cases/"),
    _asking("GP's list, far back", "/cases/?before={old_case}"),
    *(_asking(f"GP's list, {only}", f"/cases/?only={only}") for only in ListFilter),
    _asking("GP's list, poll", "/cases/list"),
    _asking("search, number", "/cases/?q={answered_case}"),
    _asking("search, reference", "/cases/?q={reference}"),
    _asking("search, what all share", "/cases/?q=PC-"),
    _asking("search, nothing", "/cases/?q=XX-no-such"),
    _asking("case page, GP", "/cases/{answered_case}"),
    _asking("case status, poll", "/cases/{open_case}/status"),
    _watching("dashboard, 30 days", "/admin/dashboard", costs=4),
    _watching("dashboard, 12 months", "/admin/dashboard?days=365", costs=20),
    _watching("export page", "/admin/export"),
    _watching("audit log", "/admin/audit"),
    _watching("audit log of a case", "/admin/audit?case={answered_case}"),
    _watching("audit log, rare action", "/admin/audit?action=centre.added"),
    _watching("audit log of a day", "/admin/audit?day={old_day}"),
    _watching("service page", "/admin/service"),
    _watching("models", "/admin/models"),
    _watching("threshold", "/admin/threshold", costs=20),
]
